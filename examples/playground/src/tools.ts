import { Chart, short } from './charts.js';
import { count, element } from './dom.js';
import type { Project } from './protocol.js';
import type { ModelClient } from './sealed/model-client.js';
import { clip } from './sealed/remote.js';

let chart: Chart | null = null;

/** What is at work by its button, which stops it meanwhile. */
const atWork = new Map<HTMLButtonElement, ModelClient>();

/** Does what a button asks for with a worker that ends with it, or is ended by `stop`. */
export async function beside(
  button: HTMLButtonElement,
  client: ModelClient,
  act: (client: ModelClient) => Promise<void>,
): Promise<void> {
  const name = button.textContent;
  atWork.set(button, client);
  button.textContent = 'Stop';
  try {
    await act(client);
  } catch (error) {
    // Whoever stopped it knows.
    if (atWork.get(button) === client) throw error;
  } finally {
    client.end();
    atWork.delete(button);
    button.textContent = name;
  }
}

/** Ends what a button has at work; false: nothing is. */
export function stop(button: HTMLButtonElement): boolean {
  const client = atWork.get(button);
  atWork.delete(button);
  client?.end();
  return client !== undefined;
}

/** Runs the learning-rate finder in a worker of its own and draws it as it goes. */
export async function findRate(
  client: ModelClient,
  project: Project & { threads: number },
  use: (rate: number) => void,
): Promise<void> {
  const said = element('finder-said');
  const button = element<HTMLButtonElement>('finder-use');
  element('results').hidden = false;
  element('finder').hidden = false;
  button.hidden = true;
  said.textContent = 'Short trainings with one rate each, for the bounds …';
  chart ??= new Chart(element('chart-finder'), {
    series: [{ label: 'loss', colour: '--series-1' }],
    logX: true,
    x: (rate) => String(Number(rate.toPrecision(3))),
    name: 'rate',
  });
  chart.clear();
  client.listeners.finder = ({ probes, point }) => {
    if (point && Number.isFinite(point.loss)) chart?.add(point.rate, point.loss);
    said.textContent = point
      ? `One training in which the rate rises with every step: ${count(point.at)} of ${count(point.steps)}`
      : `Short trainings with one rate each, for the bounds: ${count(probes)}`;
  };
  try {
    const found = await client.call('find', project);
    const suggestion = Number(found.suggestion);
    const why = clip(found.why, 1000);
    said.textContent = `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
    button.textContent = `Use ${suggestion}`;
    button.hidden = false;
    button.onclick = () => use(suggestion);
  } catch (error) {
    element('finder').hidden = true;
    throw error;
  }
}

/** The same steps by the tape and by the compiled module, and how they compare. */
export async function compareWithTape(
  client: ModelClient,
  project: Project & { rate: number },
): Promise<void> {
  const place = element('comparison');
  element('results').hidden = false;
  place.hidden = false;
  place.textContent = 'Training with both engines from the same beginning …';
  try {
    const found = await client.call('compare', project);
    const [steps, compiled, tape, difference] = [
      found.steps,
      found.compiled,
      found.tape,
      found.difference,
    ].map(Number);
    const bars = document.createElement('div');
    bars.className = 'bars';
    const row = (name: string, speed: number, kind: string) => {
      const bar = document.createElement('div');
      bar.className = `bar ${kind}`;
      bar.style.width = `${(100 * speed) / Math.max(compiled, tape)}%`;
      bars.append(text(name), bar, text(`${count(speed)} steps/s`));
    };
    row('compiled', compiled, '');
    row('tape', tape, 'other');
    const ratio = compiled / tape;
    const said = document.createElement('p');
    said.className = 'result-said';
    said.textContent =
      `Compiled code is ${short(ratio)} times as fast as the tape, both on one thread. Over ${count(steps)} steps ` +
      `their losses differ by ${difference.toExponential(1)} of their size at most, which is rounding.`;
    place.replaceChildren(bars, said);
  } catch (error) {
    place.hidden = true;
    throw error;
  }
}

function text(content: string): HTMLElement {
  const span = document.createElement('span');
  span.textContent = content;
  return span;
}
