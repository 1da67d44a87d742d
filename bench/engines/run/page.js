// In a page: a worker trains, and the server is told, so that nothing else has to reach into the browser.
const tell = (outcome) => fetch('outcome', { method: 'POST', body: JSON.stringify(outcome) });
const fail = (error) => tell({ results: [], notes: [String(error?.message ?? error)] });
const worker = new Worker('worker.js', { type: 'module' });
worker.onmessage = ({ data }) => tell(data);
worker.onerror = (event) => fail(`the worker failed: ${event.message}`);
worker.postMessage(new URL(location.href).searchParams.getAll('threads').map(Number));
