// Figures, dates and codes as an American bookkeeper reads them.

const MONEY = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const NUMBER = new Intl.NumberFormat("en-US");
const DAY = new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeZone: "UTC" });
const EASTERN = new Intl.DateTimeFormat("en-US", {
  dateStyle: "medium", timeStyle: "short", timeZone: "America/New_York",
});
const EASTERN_TIME = new Intl.DateTimeFormat("en-US", { timeStyle: "short", timeZone: "America/New_York" });
const EASTERN_DAY = new Intl.DateTimeFormat("en-CA", { timeZone: "America/New_York" }); // YYYY-MM-DD

export const money = (amount) => (amount == null ? "—" : MONEY.format(amount).replace("-", "−"));
export const number = (count) => NUMBER.format(count);
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const today = (daysAgo = 0) => EASTERN_DAY.format(Date.now() - daysAgo * 86_400_000);

// A day such as 2026-05-04 stays that day, wherever the browser is; a moment becomes its Eastern day.
export function day(text) {
  if (!text) return "—";
  return DAY.format(new Date(`${text.length > 10 ? EASTERN_DAY.format(new Date(text)) : text}T00:00:00Z`));
}

export const moment = (text) => (text ? `${EASTERN.format(new Date(text))} ET` : "—");

// Only the time, for a moment of today.
export function soon(text) {
  const at = new Date(text);
  return EASTERN_DAY.format(at) === today() ? `${EASTERN_TIME.format(at)} ET` : moment(text);
}

export function ago(text) {
  const minutes = Math.round((Date.now() - new Date(text)) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${counted(minutes, "minute")} ago`;
  if (minutes < 24 * 60) return `${counted(Math.round(minutes / 60), "hour")} ago`;
  return moment(text);
}

export const KINDS = { project: "Projects", cost_code: "Cost codes", cost_type: "Cost types" };
export const TAG_NAMES = {
  project: "Procore Projects", cost_code: "Procore Cost Codes", cost_type: "Procore Cost Types",
};
export const KIND = { project: "project", cost_code: "cost code", cost_type: "cost type" };

export const ACTORS = {
  cardholder: "Cardholder",
  approver: "Approver in PEX",
  admin: "You",
  procore_admin: "Procore administrator",
  nobody: "Nobody",
};

// Word and tone of each state of a transaction.
export const STATES = {
  waiting: ["Waiting", "warn"],
  exception: ["Needs attention", "bad"],
  refused: ["Not imported", "plain"],
  announced: ["New", "plain"],
  posting: ["Posting", "plain"],
  unknown: ["Being checked", "plain"],
  posted: ["In Procore, finishing", "good"],
  complete: ["In Procore", "good"],
  ignored: ["Ignored", "plain"],
};

export const OUTCOMES = {
  posted: ["Posted", "good"],
  updated: ["Updated", "good"],
  already_posted: ["Already in Procore", "plain"],
  would_post: ["Would be posted", "good"],
  waiting: ["Waiting", "warn"],
  refused: ["Not imported", "plain"],
  failed: ["Failed", "bad"],
};

export const VERDICTS = { success: ["Success", "good"], partial: ["Partly done", "warn"], failed: ["Failed", "bad"] };
export const TRIGGERS = { callback: "PEX reported a purchase", sweep: "scheduled", manual: "started by hand" };
export const RUNS = { transactions: "Expenses", tags: "Tags" };

const COUNTS = {
  posted: ["expense posted", "expenses posted"],
  updated: ["expense updated", "expenses updated"],
  already_posted: ["already in Procore"],
  waiting: ["waiting"],
  refused: ["not imported"],
  failed: ["failed"],
  receipts_attached: ["receipt attached", "receipts attached"],
  receipts_failed: ["receipt failed", "receipts failed"],
};

// {"posted": 2, "cost_code_added": 3} → ["2 expenses posted", "3 cost codes added"]
export function tally(counts = {}) {
  return Object.entries(counts).filter(([, count]) => count).map(([name, count]) => {
    const [kind, done] = name.match(/^(project|cost_code|cost_type)_(\w+)$/)?.slice(1) ?? [];
    if (kind) return `${counted(count, KIND[kind])} ${done.replaceAll("_", " ")}`;
    const [one, many = one] = COUNTS[name] ?? [name.replaceAll("_", " ")];
    return counted(count, one, many);
  });
}

// {"n": 1000, "more": true} → "1,000+"
export const atLeast = (count) => (count ? number(count.n) + (count.more ? "+" : "") : "0");
