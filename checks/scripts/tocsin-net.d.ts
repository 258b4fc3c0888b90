/**
 * What lies below HTTP, for checks that look there. Every connection passes the same policy as a `fetch`, is on the run's
 * record with its phases, and fails with the class `network-dns`, `network-connect`, `network-tls` or `network-timeout`, or
 * `assertion` where the peer answered against its protocol. Without a `timeout` of its own, a call has the run's time.
 */
declare module "tocsin/net" {
  import type { Certificate as ServerCertificate, Duration } from "tocsin";

  /** `"example.com:25"`, `"[2001:db8::1]:25"`, or its parts. */
  export type Address = `${string}:${number}` | { host: string; port: number };

  /** How long each phase took, in milliseconds; absent where it was not needed. */
  export interface SocketPhases {
    readonly dnsMs?: number;
    readonly connectMs?: number;
    readonly tlsMs?: number;
    readonly firstByteMs?: number;
  }

  interface Timed {
    timeout?: Duration;
  }

  /**
   * A TCP connection; with `tls`, after a TLS handshake whose certificate must be trusted.
   *
   * ```ts
   * const connection = await connect("queue.example.com:5672");
   * await connection.send("AMQP\0\0\x09\x01");
   * expect((await connection.readBytes(1))[0]).toBe(1);
   * ```
   */
  export function connect(address: Address, options?: ConnectOptions): Promise<Connection>;

  export interface ConnectOptions extends Timed {
    tls?: boolean | { serverName?: string; alpn?: readonly string[] };
  }

  /** A connection of the run, closed with it if not before. Reading and writing go on side by side. */
  export interface Connection {
    /** Address and port that answered. */
    readonly remoteAddress: string;
    readonly phases: SocketPhases;
    /** Sends a text as UTF-8, or bytes. */
    send(data: string | Uint8Array, options?: Timed): Promise<void>;
    /** Exactly so many bytes. */
    readBytes(count: number, options?: ReadOptions): Promise<Uint8Array>;
    /** Everything up to `end`, and `end` itself. */
    readUntil(end: string | Uint8Array, options?: ReadOptions): Promise<Uint8Array>;
    /** A line as a text, without its end. */
    readLine(options?: ReadOptions): Promise<string>;
    /** Everything until the peer ends the connection. */
    readToEnd(options?: ReadOptions): Promise<Uint8Array>;
    /** Ends the sending side: the peer reads to its end, and may still answer. */
    shutdown(): Promise<void>;
    /** Makes a TLS handshake, and goes on in TLS. With `verify: false` a certificate that is not trusted is reported only. */
    startTls(options?: TlsOptions & { verify?: boolean }): Promise<TlsReport>;
    close(): void;
  }

  export interface ReadOptions extends Timed {
    /** The most that is read; 1 MiB where absent, 64 KiB for a line, and 8 MiB at most. */
    maxBytes?: number;
  }

  export interface TlsOptions extends Timed {
    /** The name that is asked for and checked; the address's where absent. */
    serverName?: string;
    /** The protocols that are offered, such as `["h2", "http/1.1"]`. */
    alpn?: readonly string[];
  }

  /**
   * Makes a TLS handshake to look at it. A certificate that is expired, of another name or of nobody is part of the
   * answer; a server that does not speak TLS is a failure. The port is 443 where none is written.
   *
   * ```ts
   * const { problems, certificates: [leaf] } = await inspectTls("example.com");
   * expect(problems).toEqual([]);
   * check(leaf.daysLeft, "days that the certificate has left").toBeGreaterThan(14);
   * ```
   */
  export function inspectTls(address: Address | string, options?: TlsOptions): Promise<TlsReport>;

  export interface TlsReport {
    readonly serverName: string;
    readonly remoteAddress: string;
    /** `TLSv1.3`. */
    readonly version: string;
    /** `TLS13_AES_256_GCM_SHA384`. */
    readonly cipher: string;
    readonly alpn?: string;
    /** Whether there is no problem. */
    readonly trusted: boolean;
    /** Everything that is wrong with the certificate. */
    readonly problems: readonly TlsProblem[];
    /** The server's own first, then those that signed it, as the server sent them. */
    readonly certificates: readonly Certificate[];
    /** Whether the server stapled an OCSP response; `ocsp(report)` reads it. */
    readonly ocspStapled: boolean;
    readonly phases: SocketPhases;
  }

  export interface TlsProblem {
    readonly kind:
      | "expired"
      | "not-yet-valid"
      | "wrong-host"
      | "self-signed"
      | "unknown-issuer"
      | "revoked"
      | "bad-signature"
      | "other";
    /** Such as `certificate of example.com expired 3 days ago (2026-11-20)`. */
    readonly message: string;
  }

  export interface Certificate extends ServerCertificate {
    /** Hex, with colons. */
    readonly serial: string;
    /** `RSA 2048`, `ECDSA P-256`, `Ed25519`. */
    readonly key: string;
    /** Where its status can be asked for. */
    readonly ocspUrls: readonly string[];
  }

  /**
   * What the issuer says of the server's certificate (RFC 6960): the stapled response, or one that is asked for over HTTP
   * where the certificate says, or at `responder`. The server must have sent the certificate of its issuer too.
   *
   * ```ts
   * expect(await ocsp(await inspectTls("example.com"))).toMatchObject({ status: "good", current: true, signature: "valid" });
   * ```
   */
  export function ocsp(report: TlsReport, options?: OcspOptions): Promise<OcspStatus>;

  export interface OcspOptions {
    /** URL of a responder to ask in place of the certificate's. */
    responder?: string;
    /** `false` asks the responder even where a response is stapled. */
    stapled?: boolean;
  }

  export interface OcspStatus {
    readonly source: "stapled" | "request";
    /** URL of who was asked. */
    readonly responder?: string;
    readonly status: "good" | "revoked" | "unknown";
    readonly revokedAt?: Date;
    /** Why it was revoked, such as `KeyCompromise`. */
    readonly reason?: string;
    readonly producedAt: Date;
    readonly thisUpdate: Date;
    readonly nextUpdate?: Date;
    /** Whether now lies between the two, give or take five minutes. */
    readonly current: boolean;
    /** Whether the issuer signed it, or somebody whom the issuer lets sign; `unsupported` where the algorithm is unknown. */
    readonly signature: "valid" | "invalid" | "unsupported";
  }

  /**
   * One question to a resolver, and its whole answer. A name that does not exist is an answer too (`rcode`), and a resolver
   * that does not answer within 5 seconds, or within `timeout`, a failure.
   *
   * ```ts
   * const { records } = await dns("example.com", "MX", { resolver: "9.9.9.9" });
   * expect(records).toContainEqual(expect.objectContaining({ exchange: "mail.example.com" }));
   * ```
   *
   * @param name Of an address too, where `type` is `"PTR"`.
   * @param type `"A"` where absent.
   */
  export function dns<Type extends string = "A">(name: string, type?: Type, options?: DnsOptions): Promise<DnsAnswer>;

  export interface DnsOptions extends Timed {
    /** `"9.9.9.9"`, `"resolver.example.com:5353"`; the machine's own where absent. */
    resolver?: string | { host: string; port?: number };
    /** `"auto"` where absent: UDP, and TCP where the answer does not fit. */
    transport?: "auto" | "udp" | "tcp";
    /** Asks for DNSSEC's records too. */
    dnssec?: boolean;
  }

  export interface DnsAnswer {
    /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, ... */
    readonly rcode: string;
    readonly records: readonly DnsRecord[];
    readonly authority: readonly DnsRecord[];
    readonly additional: readonly DnsRecord[];
    readonly authoritative: boolean;
    /** The resolver says that it has verified the answer by DNSSEC (the AD bit). */
    readonly authenticated: boolean;
    readonly truncated: boolean;
    /** Address and port that answered. */
    readonly resolver: string;
    readonly transport: "udp" | "tcp";
    readonly durationMs: number;
  }

  /** Names have no dot at their end. Which members there are depends on the type. */
  export interface DnsRecord {
    readonly name: string;
    readonly type: string;
    /** Seconds. */
    readonly ttl: number;
    /** A, AAAA. */
    readonly address?: string;
    /** CNAME, NS, PTR, SRV. */
    readonly target?: string;
    /** MX. */
    readonly preference?: number;
    readonly exchange?: string;
    /** SRV. */
    readonly priority?: number;
    readonly weight?: number;
    readonly port?: number;
    /** TXT, its parts together. */
    readonly text?: string;
    /** CAA. */
    readonly critical?: boolean;
    readonly tag?: string;
    readonly value?: string;
    /** SOA; times in seconds. */
    readonly primary?: string;
    readonly responsible?: string;
    readonly serial?: number;
    readonly refresh?: number;
    readonly retry?: number;
    readonly expire?: number;
    readonly minimum?: number;
    /** Every other type, as a zone file writes it. */
    readonly data?: string;
  }

  /**
   * ICMP echo, one request after the other. Where none is answered it fails with `network-timeout`. The kernel must let the
   * process send them (the sysctl `net.ipv4.ping_group_range`); where it does not, the error says so.
   */
  export function ping(host: string, options?: PingOptions): Promise<Pinged>;

  export interface PingOptions {
    /** 1 where absent, 100 at most. */
    count?: number;
    /** What each answer may take; 1 second where absent. */
    timeout?: Duration;
  }

  export interface Pinged {
    readonly address: string;
    readonly sent: number;
    readonly received: number;
    readonly lost: number;
    /** One for each answer. */
    readonly timesMs: readonly number[];
    readonly minMs: number;
    readonly averageMs: number;
    readonly maxMs: number;
  }

  /**
   * A WebSocket (RFC 6455). A handshake that is answered with another status than 101 fails with the class `http`.
   *
   * ```ts
   * const socket = await websocket("wss://example.com/live", { headers: { authorization: `Bearer ${token}` } });
   * await socket.sendJson({ subscribe: "orders" });
   * expect(await socket.receiveJson({ timeout: "2s" })).toMatchObject({ subscribed: true });
   * await socket.close();
   * ```
   */
  export function websocket(url: string | URL, options?: WebSocketOptions): Promise<WebSocketConnection>;

  export interface WebSocketOptions extends Timed {
    /** The sub-protocols that are offered; the server must choose one. */
    protocols?: readonly string[];
    headers?: Record<string, string>;
  }

  export interface WebSocketConnection {
    readonly url: string;
    /** The sub-protocol that the server chose; empty where none was offered. */
    readonly protocol: string;
    /** Of the handshake's response. */
    readonly headers: Readonly<Record<string, string>>;
    readonly remoteAddress: string;
    readonly phases: SocketPhases;
    /** Sends a text, or bytes as a binary message. */
    send(data: string | Uint8Array): Promise<void>;
    sendJson(value: unknown): Promise<void>;
    /** The next message, or the end. At most 4 MiB. */
    receive(options?: Timed): Promise<WebSocketMessage>;
    /** The next message, which must be a text. */
    receiveText(options?: Timed): Promise<string>;
    /** The next message, which must be JSON. */
    receiveJson(options?: Timed): Promise<any>;
    /** Milliseconds until the server's pong. Messages that come before it wait to be received. */
    ping(options?: Timed): Promise<number>;
    /** Closes with `code`, 1000 where absent, and waits for the server's close frame, which it returns. */
    close(code?: number, reason?: string, options?: Timed): Promise<{ readonly code: number; readonly reason: string }>;
  }

  export type WebSocketMessage =
    | { readonly type: "text"; readonly text: string }
    | { readonly type: "binary"; readonly bytes: Uint8Array }
    | { readonly type: "close"; readonly code: number; readonly reason: string };

  /**
   * How a mail server greets (RFC 5321), what it can do, and the certificate that it shows. No mail is sent. The port is 25
   * where none is written, and 465 with implicit TLS.
   */
  export function smtp(address: Address | string, options?: SmtpOptions): Promise<SmtpGreeting>;

  export interface SmtpOptions extends Timed {
    /** The name that the check greets with. */
    ehlo?: string;
    /** `"starttls"` where absent: TLS where the server offers it. */
    tls?: "starttls" | "implicit" | "none";
  }

  export interface SmtpGreeting {
    /** The first line of the greeting, without its code. */
    readonly greeting: string;
    /** How the server calls itself in its reply to EHLO. */
    readonly name: string;
    /** Keywords with their parameters, those after STARTTLS where it was made: `{ SIZE: "35882577", PIPELINING: "" }`. */
    readonly capabilities: Readonly<Record<string, string>>;
    /** Absent without TLS. What is wrong with the certificate is in its `problems`. */
    readonly tls?: TlsReport;
    readonly remoteAddress: string;
    readonly phases: SocketPhases;
  }
}
