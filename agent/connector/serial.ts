// Runs one piece of asynchronous work at a time, in the order it was asked for. A failed piece does not stop the next.

export type Serial = <T>(work: () => Promise<T>) => Promise<T>;

export function serial(): Serial {
  let tail: Promise<unknown> = Promise.resolve();

  return (work) => {
    const run = tail.then(work, work);
    // The caller of `run` gets the failure; the queue only needs to know that it is over.
    tail = run.catch(() => undefined);

    return run;
  };
}
