/**
 * The module that check scripts import.
 *
 * A check is a file `NAME.check.ts` (or `.js`) whose default export is `defineCheck({...})`. Each run has a process
 * of its own; nothing is kept from one run to the next. A run fails by what it throws, and by every `check(...)` that
 * did not hold.
 */
declare module "tocsin" {
  /** A duration: a number of milliseconds, or a text such as `"500ms"`, `"10s"`, `"2m"`. */
  export type Duration = number | `${number}ms` | `${number}s` | `${number}m`;

  /** `every 30s`, or a cron expression with five fields, or six with seconds in front. */
  export type Schedule = `every ${string}` | (string & {});

  export interface CheckDefinition<Secret extends string = string> {
    /** Names the check and its incidents; the file's name without `.check.ts` where absent. */
    id?: string;
    /** What works as long as this check passes, in a sentence: the first line that somebody who is woken reads. */
    description?: string;
    /** When it runs: `"every 30s"`, or cron such as `"0 7 * * 1-5"`. */
    schedule: Schedule;
    /** IANA name of the time zone that a cron expression is read in, such as `"Europe/Berlin"`; UTC where absent. */
    timeZone?: string;
    /** How long a run may take; 10 seconds where absent. */
    timeout?: Duration;
    /** The regions it runs in; every configured one where absent. */
    regions?: readonly string[];
    /** Words to select checks by: `tocsin test --tag login`. */
    tags?: readonly string[];
    /**
     * The hosts that the script may connect to: `"api.example.com"`, `"*.example.com"` (any name below it),
     * `"example.com:8443"` (that port alone), an address. Any that the network policy allows, where absent.
     */
    hosts?: readonly string[];
    /**
     * The secrets that the script may read, by the names under `[secrets]` in `tocsin.toml`. With hosts, a request that
     * carries the secret to any other host is refused: `{ LOGIN_PASSWORD: { hosts: ["login.example.com"] } }`.
     */
    secrets?: readonly Secret[] | Readonly<Record<Secret, { readonly hosts: readonly string[] }>>;
    /** Name of the escalation policy; the default ladder where absent. */
    policy?: string;
    /** Checks without which this one cannot pass, by id: while they fail, its own failures wake nobody. */
    dependsOn?: readonly string[];
    /** URL of what the person who is woken should open first. */
    runbook?: string;
    /** The check itself. It passes when this returns and no `check(...)` failed on the way. */
    run(context: CheckContext<Secret>): unknown;
  }

  /** What a run is told. */
  export interface CheckContext<Secret extends string = string> {
    /** The check's id. */
    readonly check: string;
    /** The region that this run is made from. */
    readonly region: string;
    /** The instant that the run was scheduled for. */
    readonly slot: Date;
    /** 0 for the scheduled run, and one more for each time that it is repeated. */
    readonly attempt: number;
    /**
     * The values under `[vars]` in `tocsin.toml`, those of the region first. A name that is not set there throws; ask
     * `"NAME" in vars` about one that may be absent.
     */
    readonly vars: Readonly<Record<string, string>>;
    /** The secrets that the check declares. Their values are redacted in everything that leaves the run. */
    readonly secrets: Readonly<Record<Secret, string>>;
    /** Aborts when the run's time ends. */
    readonly signal: AbortSignal;
  }

  /** A check, ready to be the default export of its file. */
  export interface Check extends Readonly<CheckDefinition<any>> {}

  /**
   * Makes a check.
   *
   * ```ts
   * export default defineCheck({
   *   description: "The start page answers",
   *   schedule: "every 30s",
   *   async run({ vars }) {
   *     expect(await fetch(vars.SITE_URL)).toBeOk();
   *   },
   * });
   * ```
   */
  export function defineCheck<const Secret extends string = never>(definition: CheckDefinition<Secret>): Check;

  /**
   * Runs `fn` as a named, timed part of the run, and returns what it returns. Steps nest, also in `Promise.all`. A
   * failure's page names the step that it happened in.
   */
  export function step<T>(name: string, fn: () => T): T;

  /**
   * Calls `fn` again until it does not throw, and `until` accepts what it returned; gives that back. Each attempt is a
   * step, `attempt 1` and so on, so put the whole into a `step` of its own. After the last attempt, or where the run
   * has no time for another, it throws what that attempt threw. A wrong use of the library and `skip` are not repeated.
   * Ask with `expect` inside: what a soft `check` finds counts in every attempt.
   *
   * ```ts
   * const mails = await step("the mail arrives", () =>
   *   retry(() => inbox(vars.USER), { attempts: 8, delay: "1s", until: (mails) => mails.length > 0 }));
   * ```
   */
  export function retry<T>(fn: (attempt: number) => T | Promise<T>, options?: RetryOptions<T>): Promise<T>;

  export interface RetryOptions<T> {
    /** How often at most, the first time included: 1 to 100, and 3 where absent. */
    attempts?: number;
    /** Between the first attempt and the second; 500 ms where absent. */
    delay?: Duration;
    /** What each delay is multiplied by for the next; 2 where absent. */
    backoff?: number;
    /** Whether what `fn` returned is what was waited for. */
    until?: (value: T) => boolean | Promise<boolean>;
    /** Ends the waiting between attempts; the run's own end always does. */
    signal?: AbortSignal;
  }

  /** Waits. Rejects when the run's time or `signal` ends first, and throws at once where the run has less time left. */
  export function sleep(duration: Duration, options?: { signal?: AbortSignal }): Promise<void>;

  /**
   * Ends the run as skipped: neither passed nor failed. It opens no incident and ends none, and the pages say why. A
   * check that skips for ever is seen in its series: they have no `tocsin_check_up` then, and `tocsin_check_skipped`.
   * What a `check(...)` found before still fails the run.
   */
  export function skip(reason: string): never;

  /**
   * Records a number: it is on the run's page, and becomes a sample of the series
   * `tocsin_check_metric{check, region, metric, unit, ...tags}` that alert rules can ask. At most 100 in a run; where a
   * run has the same name and tags several times, the series takes the last.
   *
   * @param name Up to 100 letters, digits and `_ . : / -`, beginning with a letter.
   * @param value A finite number.
   */
  export function metric(name: string, value: number, options?: MetricOptions): void;

  export interface MetricOptions {
    /** Such as `"ms"`, `"bytes"` or `"%"`. */
    unit?: string;
    /** At most 10. Names are letters, digits and `_`; values are short, and few in number over all runs. */
    tags?: Record<string, string | number | boolean>;
  }

  /** Writes a line into the run's output, with fields as `key=value`. */
  export const log: {
    (message: string, fields?: Record<string, unknown>): void;
    debug(message: string, fields?: Record<string, unknown>): void;
    info(message: string, fields?: Record<string, unknown>): void;
    warn(message: string, fields?: Record<string, unknown>): void;
    error(message: string, fields?: Record<string, unknown>): void;
  };

  /**
   * Says what must be so: where it is not, the run ends here and fails. One that is put to no matcher fails the run, and
   * so does one with `.resolves` or `.rejects` that nobody awaited.
   *
   * @param message What is looked at, in front of the sentence: `the issuer: expected "a" to be "b"`.
   */
  export const expect: {
    (value: unknown, message?: string): Expectation<void>;
  } & StandIns & { readonly not: Omit<StandIns, "anything" | "any"> };

  /**
   * The same matchers as `expect`: where one does not hold, that is recorded, the run goes on, and fails at its end.
   * Returns whether it held.
   */
  export function check(value: unknown, message?: string): Expectation<boolean>;

  /** A value and what is asked of it. */
  export interface Expectation<Result> extends Matchers<Result> {
    /** Turns the matcher round. */
    readonly not: Matchers<Result>;
    /** Waits for a promise and asks its value; must itself be awaited. */
    readonly resolves: Matchers<Promise<Result>> & { readonly not: Matchers<Promise<Result>> };
    /** Waits for a promise to reject and asks the reason; must itself be awaited. */
    readonly rejects: Matchers<Promise<Result>> & { readonly not: Matchers<Promise<Result>> };
  }

  export interface Matchers<Result> {
    /** The same value, as `Object.is` sees it. */
    toBe(expected: unknown): Result;
    /** Equal all the way down; `undefined` properties and classes do not count. */
    toEqual(expected: unknown): Result;
    /** Equal all the way down, with `undefined` properties and classes. */
    toStrictEqual(expected: unknown): Result;
    /** Has the properties of `expected`, all the way down, and perhaps more. */
    toMatchObject(expected: object): Result;

    toBeTruthy(): Result;
    toBeFalsy(): Result;
    toBeNull(): Result;
    toBeUndefined(): Result;
    toBeDefined(): Result;
    toBeNaN(): Result;

    toBeGreaterThan(bound: number | bigint): Result;
    toBeGreaterThanOrEqual(bound: number | bigint): Result;
    toBeLessThan(bound: number | bigint): Result;
    toBeLessThanOrEqual(bound: number | bigint): Result;
    /** Agrees to `digits` decimal places, 2 where absent. */
    toBeCloseTo(expected: number, digits?: number): Result;

    /** A text that has this part, or that the regular expression matches. */
    toMatch(pattern: string | RegExp): Result;
    /** A text with this part, or an array or `Set` with this very item. */
    toContain(item: unknown): Result;
    /** An array or `Set` with an equal item. */
    toContainEqual(item: unknown): Result;
    toHaveLength(length: number): Result;
    /** Has the property at a path such as `"keys[0].alg"`, `"keys.0.alg"` or `["keys", "0", "alg"]`, and with `value` an equal one. */
    toHaveProperty(path: string | readonly string[], value?: unknown): Result;

    /** Equal to one of these. */
    toBeOneOf(expected: readonly unknown[]): Result;
    /** The function returns something truthy for it. */
    toSatisfy(predicate: (value: any) => unknown): Result;

    toBeInstanceOf(constructor: abstract new (...args: any[]) => unknown): Result;
    /** What `typeof` says. */
    toBeTypeOf(
      type: "string" | "number" | "boolean" | "bigint" | "symbol" | "undefined" | "object" | "function",
    ): Result;
    /** A function that throws, or with `.rejects` a promise: this class, a message with this in it, or a stand-in's match. */
    toThrow(expected?: string | RegExp | Error | (abstract new (...args: any[]) => unknown)): Result;

    /** A `Response` with a status from 200 to 299. Its failure has the class `http`, and quotes `body` if given. */
    toBeOk(body?: string): Result;
    /** A `Response` with this status, or one of these. Its failure has the class `http`, and quotes `body` if given. */
    toHaveStatus(status: number | readonly number[], body?: string): Result;
    /** A `Response` with this header; with `value`, this text exactly, or one that the regular expression matches. */
    toHaveHeader(name: string, value?: string | RegExp): Result;
  }

  /** Values that stand in an expected value for everything they match. Typed `any`, to fit wherever a value fits. */
  export interface StandIns {
    /** Everything but `null` and `undefined`. */
    anything(): any;
    /** Everything of a class; `String`, `Number`, `Boolean`, `BigInt`, `Symbol` and `Function` mean the type. */
    any(constructor: Function): any;
    objectContaining(properties: object): any;
    arrayContaining(items: readonly unknown[]): any;
    /** An array, each item of which equals this: `expect.arrayOf(expect.any(String))`. */
    arrayOf(item: unknown): any;
    stringContaining(part: string): any;
    stringMatching(pattern: string | RegExp): any;
    closeTo(expected: number, digits?: number): any;
  }

  /** What a failed `expect` throws. */
  export class AssertionError extends Error {
    /** `failureClass` is `"assertion"` where absent, and `"http"` for a refused status. */
    constructor(message: string, failureClass?: FailureClass);
    readonly failureClass: FailureClass;
  }

  /** Whose fault a failure is. What is not the target's fault (`script`) sends no SMS. */
  export type FailureClass =
    "assertion" | "http" | "network-dns" | "network-connect" | "network-tls" | "network-timeout" | "script";

  /** What was measured and seen below a response that `fetch` returned in this run. */
  export function connection(response: Pick<Response, "headers" | "status" | "url">): Connection;

  export interface Connection {
    readonly url: string;
    /** `HTTP/1.1` or `HTTP/2`. */
    readonly httpVersion?: string;
    /** Address and port that answered. */
    readonly remoteAddress?: string;
    readonly phases: Phases;
    /** Absent for `http:`. */
    readonly tls?: Tls;
  }

  /** How long each phase took, in milliseconds; absent where it was not needed, as on a connection used again. */
  export interface Phases {
    readonly dnsMs?: number;
    readonly connectMs?: number;
    readonly tlsMs?: number;
    /** From the end of the connection's set-up to the response's head. */
    readonly firstByteMs?: number;
    /** Absent until the body has been read. */
    readonly downloadMs?: number;
  }

  export interface Tls {
    /** `TLSv1.3`. */
    readonly version: string;
    readonly alpn?: string;
    /** The server's own certificate first, then those that signed it, as the server sent them. */
    readonly certificates: readonly Certificate[];
  }

  export interface Certificate {
    readonly subject: string;
    readonly issuer: string;
    /** DNS names and addresses that it is valid for. */
    readonly names: readonly string[];
    readonly notBefore: Date;
    readonly notAfter: Date;
    /** Whole days from now to `notAfter`, negative once expired. */
    readonly daysLeft: number;
    /** Hex SHA-256 of the DER. */
    readonly sha256: string;
  }
}
