// A query has data and no errors. GraphQL says both with status 200, so that the status alone proves nothing.
//
//   GRAPHQL_URL = "https://api.example.com/graphql"

import { defineCheck, expect, step } from "tocsin";

interface Result<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string; readonly path?: readonly (string | number)[] }[];
}

/** Asks, and gives back the data of an answer without errors. */
async function ask<Data>(url: string, query: string, variables: Record<string, unknown> = {}): Promise<Data> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json, application/json" },
    body: JSON.stringify({ query, variables }),
  });
  expect(response).toBeOk();
  const { data, errors } = (await response.json()) as Result<Data>;
  expect(errors, "errors of the answer").toBeUndefined();
  expect(data, "data of the answer").toEqual(expect.anything());
  return data as Data;
}

export default defineCheck({
  description: "The GraphQL API answers a query",
  schedule: "every 30s",
  timeout: "10s",
  tags: ["api"],

  async run({ vars }) {
    // Every GraphQL server knows its own schema's types; put a query of yours here.
    const { __typename } = await step("ask for the type of the root", () =>
      ask<{ __typename: string }>(vars.GRAPHQL_URL, "query Probe { __typename }"),
    );
    expect(__typename).toBe("Query");
  },
});
