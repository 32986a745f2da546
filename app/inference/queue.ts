// One device, several kinds of work. Each kind is a lane; lanes take turns, so that a thousand photographs do not hold up
// a new label nor ten thousand prompts the first photograph. Work that arrives while the device is busy forms the next
// batch of its lane; work that finds the device idle starts at once, alone if need be. What came before the device was
// there waits for it, and the first of each lane runs alone: a first result is not held back for a batch.

export interface Lane<Input, Output> {
  /** Rejects with the signal's reason after an abort: at once, and without using the device if it still waited. */
  push(input: Input, signal?: AbortSignal): Promise<Output>;
}

interface Waiting<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (reason: unknown) => void;
}

export class DeviceQueue<Device> {
  readonly #lanes: ((device: Device) => Promise<void> | null)[] = [];
  #device: Device | null = null;
  #busy = false;
  #next = 0;

  /**
   * Adds a kind of work. `run` gets the device and 1 to `maxBatch` inputs and gives one output for each, in order; a rejection
   * is the whole batch's. Two runs never overlap, whatever their lanes.
   */
  lane<Input, Output>(
    maxBatch: number,
    run: (device: Device, inputs: readonly Input[]) => Promise<readonly Output[]>,
  ): Lane<Input, Output> {
    const waiting: Waiting<Input, Output>[] = [];
    let limit = 1;

    const runBatch = async (device: Device): Promise<void> => {
      const batch = waiting.splice(0, limit);
      limit = maxBatch;
      try {
        const outputs = await run(
          device,
          batch.map(({ input }) => input),
        );
        batch.forEach(({ resolve }, i) => {
          resolve(outputs[i] as Output);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    };
    this.#lanes.push((device) => (waiting.length > 0 ? runBatch(device) : null));

    const push = (input: Input, signal?: AbortSignal) =>
      new Promise<Output>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const entry = { input, resolve, reject };
        waiting.push(entry);
        signal?.addEventListener(
          'abort',
          () => {
            const place = waiting.indexOf(entry);
            if (place >= 0) waiting.splice(place, 1);
            reject(signal.reason);
          },
          { once: true },
        );
        this.#work();
      });
    return { push };
  }

  /** Nothing runs before this is called, once. */
  start(device: Device): void {
    this.#device = device;
    void this.#work();
  }

  async #work(): Promise<void> {
    const device = this.#device;
    if (this.#busy || device === null) return;
    this.#busy = true;
    for (let batch = this.#nextBatch(device); batch !== null; batch = this.#nextBatch(device)) {
      await batch;
      await turnOfTheEventLoop();
    }
    this.#busy = false;
  }

  #nextBatch(device: Device): Promise<void> | null {
    for (let i = 0; i < this.#lanes.length; i++) {
      const lane = (this.#next + i) % this.#lanes.length;
      const batch = this.#lanes[lane]?.(device) ?? null;
      if (batch !== null) {
        this.#next = lane + 1;
        return batch;
      }
    }
    return null;
  }
}

/** Lets in what arrived during a run that blocked this thread (WASM does): aborts, and decoded photographs. */
export function turnOfTheEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
