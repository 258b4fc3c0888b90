// The device authorization grant (RFC 8628): a code on a screen without a keyboard, entered somewhere else.

import { AssertionError } from "../assertion_error.js";
import { inline } from "../format.js";
import { locate } from "../http/located.js";
import { wait } from "../run_state.js";
import { refusalOf, tokensOf } from "./client.js";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const SLOWER_S = 5;

export class DeviceAuthorization {
  #ask;
  #deviceCode;
  #intervalS;
  #endsMs;

  constructor(answer, ask) {
    const wrong = (message) => new AssertionError(`the answer of the device authorization endpoint: ${message}`);
    if (answer.status !== 200) throw new AssertionError(`the device authorization endpoint refused: ${refusalOf(answer)}`, "http");
    const said = answer.json();
    for (const name of ["device_code", "user_code", "verification_uri"]) {
      if (typeof said?.[name] !== "string" || said[name] === "") throw wrong(`it lacks ${name}`);
    }
    if (!URL.canParse(said.verification_uri)) throw wrong(`the verification_uri is no URL, but ${inline(said.verification_uri, 200)}`);
    if (!(said.expires_in > 0)) throw wrong(`expected expires_in to be seconds, got ${inline(said.expires_in, 60)}`);
    const { interval = 5 } = said;
    if (!(interval >= 0)) throw wrong(`expected the interval to be seconds, got ${inline(interval, 60)}`);
    this.#ask = ask;
    this.#deviceCode = said.device_code;
    this.#intervalS = interval;
    this.#endsMs = Date.now() + said.expires_in * 1000;
    this.userCode = said.user_code;
    this.verificationUri = said.verification_uri;
    this.verificationUriComplete = said.verification_uri_complete;
    this.expiresInS = said.expires_in;
    this.intervalS = interval;
    Object.freeze(this);
  }

  /** The grant, to ask once and by hand. */
  get grant() {
    return { grant_type: GRANT, device_code: this.#deviceCode };
  }

  /** Asks as often as it may until the code has been entered, and fails when it is refused or has expired. */
  async tokens({ signal } = {}) {
    let intervalS = this.#intervalS;
    for (;;) {
      const answer = await this.#ask(this.grant);
      if (answer.status === 200) return tokensOf(answer, "device_code");
      const error = errorOf(answer);
      if (error === "slow_down") intervalS += SLOWER_S;
      else if (error !== "authorization_pending") {
        throw new AssertionError(`the device was not signed in: ${refusalOf(answer)}`, error === undefined ? "http" : "assertion");
      }
      if (Date.now() + intervalS * 1000 >= this.#endsMs) {
        throw new AssertionError(`nobody entered the code of the device within its ${this.expiresInS} s`);
      }
      await wait(intervalS * 1000, signal);
    }
  }
}

locate(DeviceAuthorization.prototype, "tokens");

function errorOf({ text }) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}
