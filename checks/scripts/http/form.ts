// The forms of an HTML page, read well enough to fill one in: tags, attributes and character references, no tree.

import { AssertionError } from "tocsin";

export interface Form {
  readonly action: URL;
  readonly method: "get" | "post";
  /** The fields that are sent as they are, hidden ones above all. */
  readonly fields: Readonly<Record<string, string>>;
}

const REFERENCES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** The form of the page that has a field of this name. */
export function formWith(field: string, html: string, url: string | URL): Form {
  for (const [, head = "", inside = ""] of html.matchAll(/<form\b([^>]*)>(.*?)<\/form\s*>/gis)) {
    const fields: Record<string, string> = {};
    for (const [, attributes = ""] of inside.matchAll(/<(?:input|button|textarea|select)\b([^>]*)>/gi)) {
      const name = attribute(attributes, "name");
      if (name !== undefined) fields[name] = attribute(attributes, "value") ?? "";
    }
    if (field in fields) {
      return {
        action: new URL(attribute(head, "action") ?? "", url),
        method: attribute(head, "method")?.toLowerCase() === "post" ? "post" : "get",
        fields,
      };
    }
  }
  throw new AssertionError(`the page ${new URL(url).pathname} has no form with a field \`${field}\``);
}

function attribute(attributes: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, "i").exec(attributes);
  const value = found?.[1] ?? found?.[2] ?? found?.[3];
  return value === undefined ? undefined : unescaped(value);
}

function unescaped(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return REFERENCES[name] ?? whole;
  });
}
