/**
 * Collects what comes in within one turn of the event loop and hands it over at once: answers that arrive together
 * share one durable commit.
 * @param work gets all items of the turn; what it returns, or throws, goes to each item's promise
 */
export function createBatcher<Item, Result>(work: (items: Item[]) => Result[]): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve(result: Result): void; reject(error: unknown): void };
  let waiting: Waiting[] = [];

  const flush = () => {
    const batch = waiting;
    waiting = [];
    try {
      const results = work(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => {
        resolve(results[index]!);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  return item =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length === 1) setImmediate(flush);
    });
}
