// The module `tocsin/net`: what lies below HTTP, for checks that look there.

import * as certificate from "ext:tocsin_library/net/certificate.js";
import * as questions from "ext:tocsin_library/net/dns.js";
import * as echo from "ext:tocsin_library/net/ping.js";
import * as mail from "ext:tocsin_library/net/smtp.js";
import * as socket from "ext:tocsin_library/net/socket.js";
import * as web from "ext:tocsin_library/net/websocket.js";
import { placed } from "ext:tocsin_library/net/call.js";

export const connect = placed(socket.connect);
export const dns = placed(questions.dns);
export const inspectTls = placed(certificate.inspectTls);
export const ocsp = placed(certificate.ocsp);
export const ping = placed(echo.ping);
export const smtp = placed(mail.smtp);
export const websocket = placed(web.websocket);
