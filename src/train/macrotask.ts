/** Lets timers, signals and messages have their turn. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    // Workers of servers, such as workerd, may have timers alone.
    if (typeof MessageChannel !== 'function') {
      setTimeout(resolve);
      return;
    }
    // Browsers make timers wait for some milliseconds, messages not.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
