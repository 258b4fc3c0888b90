// Streams (streams.spec.whatwg.org, compression.spec.whatwg.org); part of web.d.ts.

interface ReadableStreamReadResult<T> {
  done: boolean;
  value: T | undefined;
}

declare class ReadableStreamDefaultReader<T = any> {
  constructor(stream: ReadableStream<T>);
  readonly closed: Promise<void>;
  cancel(reason?: unknown): Promise<void>;
  read(): Promise<ReadableStreamReadResult<T>>;
  releaseLock(): void;
}

interface ReadableStreamDefaultController<T> {
  readonly desiredSize: number | null;
  close(): void;
  enqueue(chunk: T): void;
  error(reason?: unknown): void;
}

interface ReadableWritablePair<Read, Write> {
  readable: ReadableStream<Read>;
  writable: WritableStream<Write>;
}

declare class ReadableStream<T = any> {
  constructor(source?: {
    start?(controller: ReadableStreamDefaultController<T>): unknown;
    pull?(controller: ReadableStreamDefaultController<T>): unknown;
    cancel?(reason: unknown): unknown;
  });
  static from<T>(items: Iterable<T> | AsyncIterable<T>): ReadableStream<T>;
  readonly locked: boolean;
  cancel(reason?: unknown): Promise<void>;
  getReader(): ReadableStreamDefaultReader<T>;
  pipeThrough<Out>(transform: ReadableWritablePair<Out, T>): ReadableStream<Out>;
  pipeTo(destination: WritableStream<T>): Promise<void>;
  tee(): [ReadableStream<T>, ReadableStream<T>];
  [Symbol.asyncIterator](): AsyncIterableIterator<T>;
}

declare class WritableStreamDefaultWriter<T = any> {
  constructor(stream: WritableStream<T>);
  readonly closed: Promise<void>;
  readonly ready: Promise<void>;
  abort(reason?: unknown): Promise<void>;
  close(): Promise<void>;
  releaseLock(): void;
  write(chunk: T): Promise<void>;
}

declare class WritableStream<T = any> {
  constructor(sink?: {
    start?(): unknown;
    write?(chunk: T): unknown;
    close?(): unknown;
    abort?(reason: unknown): unknown;
  });
  readonly locked: boolean;
  abort(reason?: unknown): Promise<void>;
  close(): Promise<void>;
  getWriter(): WritableStreamDefaultWriter<T>;
}

declare class TransformStream<In = any, Out = any> implements ReadableWritablePair<Out, In> {
  constructor(transformer?: {
    start?(controller: { enqueue(chunk: Out): void; error(reason?: unknown): void; terminate(): void }): unknown;
    transform?(
      chunk: In,
      controller: { enqueue(chunk: Out): void; error(reason?: unknown): void; terminate(): void },
    ): unknown;
    flush?(controller: { enqueue(chunk: Out): void; error(reason?: unknown): void; terminate(): void }): unknown;
  });
  readonly readable: ReadableStream<Out>;
  readonly writable: WritableStream<In>;
}

type CompressionFormat = "gzip" | "deflate" | "deflate-raw";

declare class CompressionStream implements ReadableWritablePair<Uint8Array, BufferSource> {
  constructor(format: CompressionFormat);
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<BufferSource>;
}

declare class DecompressionStream implements ReadableWritablePair<Uint8Array, BufferSource> {
  constructor(format: CompressionFormat);
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<BufferSource>;
}
