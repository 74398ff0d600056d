// The connector's HTTP API. Every failure arrives as a Problem, which a person can read.

const ROOT = new URL("v1/", location.href.split(/[?#]/)[0]);
export const SIGNED_OUT = "signed-out";

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail);
    Object.assign(this, { status, code: body.code, todo: body.what_to_do, field: body.field, body });
    this.problems = body.problems ?? [];
  }
}

const OFFLINE = {
  code: "offline",
  detail: "The connector cannot be reached.",
  what_to_do: "Check your internet connection. What was already saved is safe, and syncing goes on without this page.",
};
const UNREADABLE = {
  code: "unavailable",
  detail: "The connector did not answer as expected.",
  what_to_do: "Try again in a moment.",
};

export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== "" && value != null) url.searchParams.set(name, value);
  }
  return url;
}

async function send(url, options) {
  try {
    return await fetch(url, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Problem(0, OFFLINE);
  }
}

export async function ask(method, path, { body, query, headers } = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers } };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const response = await send(address(path, query), options);
  const data = await response.json().catch(() => null);
  if (response.ok && data !== null) return { data, etag: response.headers.get("ETag"), status: response.status };
  const problem = new Problem(response.status, data?.detail ? data : UNREADABLE);
  if (problem.code === "not_signed_in") dispatchEvent(new Event(SIGNED_OUT));
  throw problem;
}

export const get = async (path, query) => (await ask("GET", path, { query })).data;
export const post = async (path, body = {}) => (await ask("POST", path, { body })).data;
export const put = async (path, body) => (await ask("PUT", path, { body })).data;
export const remove = async (path) => (await ask("DELETE", path)).data;
