// One look: is it healthy, what happened last, what waits for whom.
import { html, useState } from "./html.js";
import { get } from "./api.js";
import { ago, atLeast, counted, day, KINDS, number, soon, STATES, tally, VERDICTS } from "./format.js";
import { useAction, useSettings } from "./state.js";
import { Badge, Button, Card, Empty, Heading, Note, ProblemNote, Switch, Todo } from "./ui.js";
import { ConfirmShrunk, QuotaNote, SyncButtons } from "./syncing.js";

// Where what is broken can be mended.
const MEND = {
  pex_token_rejected: ["Sign in to PEX again", "#/settings/pex"],
  pex_token_expires_soon: ["Sign in to PEX again", "#/settings/pex"],
  pex_permission_missing: ["See the permissions", "#/settings/pex"],
  procore_secret_rejected: ["Enter the credentials", "#/settings/procore"],
  procore_app_not_connected: ["See the company", "#/settings/procore"],
  procore_permission_missing: ["See the permissions", "#/settings/tools"],
  direct_costs_tool_off: ["See the permissions", "#/settings/tools"],
  vendor_missing: ["Choose a vendor", "#/settings/expenses"],
  vendor_inactive: ["Choose another vendor", "#/settings/expenses"],
  selected_project_gone: ["Choose the projects", "#/settings/projects"],
  expenses_off: ["See the settings", "#/settings/sync"],
};
const BY_SIDE = {
  pex: ["See the PEX side", "#/settings/pex"],
  procore: ["See the Procore side", "#/settings/procore"],
  tags: ["See the tags", "#/settings/tags"],
  settings: ["See the settings", "#/settings"],
};

export function Attention({ items, onDone }) {
  return items.map((one) => {
    const [text, where] = MEND[one.code] ?? BY_SIDE[one.side] ?? [];
    return html`
      <${Note} key=${one.code} tone=${one.code === "pex_token_expires_soon" ? "warn" : "bad"} title=${one.text}
        action=${one.code === "source_shrank" ? html`<${ConfirmShrunk} onDone=${onDone} />` : where && html`<a class="button" href=${where}>${text}</a>`}>
        <p><${Todo} help=${one} /></p>
      <//>
    `;
  });
}

const SHOWN_STATES = ["exception", "waiting", "refused", "posted", "complete"];

export function Overview({ connection }) {
  const settings = useSettings();
  const { data } = connection;
  const refreshed = () => connection.reload();
  const attention = data.attention ?? [];
  return html`
    <${Heading}>Overview<//>
    ${attention.length ? html`<${Attention} items=${attention} onDone=${refreshed} />` : html`<${InShort} data=${data} />`}
    <${QuotaNote} quota=${data.quota} />
    <div class="grid">
      <${Health} data=${data} connection=${connection} />
      <${Sync} connection=${connection} settings=${settings} onDone=${refreshed} />
    </div>
    <${Card} title="Purchases" actions=${html`<a href="#/transactions">See all</a>`}>
      ${SHOWN_STATES.some((state) => data.counts?.[state]?.n)
        ? html`<ul class="figures">
            ${SHOWN_STATES.map((state) => html`
              <li key=${state}><a href="#/transactions?state=${state}">
                <span class="figure">${atLeast(data.counts[state])}</span>
                <${Badge} tone=${data.counts[state]?.n ? STATES[state][1] : "plain"}>${STATES[state][0]}<//>
              </a></li>
            `)}
          </ul>`
        : html`<${Empty} title="No purchases yet."><p>They appear here as they settle in PEX, and after the first sync.</p><//>`}
    <//>
    <div class="grid">
      <${LastRuns} runs=${data.last_runs} />
      <${Choices} settings=${settings} data=${data} />
    </div>
  `;
}

// The one sentence for somebody who has no more time.
function InShort({ data: { counts = {}, last_runs: runs } }) {
  const { exception, waiting } = counts;
  if (exception?.n) {
    return html`<${Note} tone="warn" title=${`${atLeast(exception)} ${exception.n === 1 ? "purchase needs" : "purchases need"} you`}
      action=${html`<a class="button" href="#/transactions?state=exception">See what to do</a>`}>
      <p>Everything else goes on by itself.</p><//>`;
  }
  if (!runs.length) return null;
  return html`<${Note} tone="good" title="All in order">
    <p>${waiting?.n ? html`Nothing to do for you. <a href="#/transactions?state=waiting">${waiting.n === 1 ? "One purchase waits" : `${atLeast(waiting)} purchases wait`}</a>
      for a tag, an approval or the like, and ${waiting.n === 1 ? "follows" : "follow"} by themselves.` : "Every settled purchase is where it belongs."}</p><//>`;
}

const sideOf = (data, side) => (data.attention ?? []).filter((one) => one.side === side || (side === "pex" && one.side === "tags"));

function Health({ data, connection }) {
  const look = useAction(async () => connection.set(await get("connection", { check: "now" })));
  const { pex, procore, tags } = data;
  const bad = (side) => sideOf(data, side).some((one) => one.code !== "pex_token_expires_soon");
  const state = (broken) => (broken ? html`<${Badge} tone="bad">Needs attention<//>` : html`<${Badge} tone="good">Connected<//>`);
  const found = Object.keys(KINDS).filter((kind) => tags?.[kind]?.status === "found");
  return html`
    <${Card} title="Connection" actions=${html`<${Button} kind="link" busy=${look.busy} onClick=${look.run}>Check now<//>`}>
      <${ProblemNote} error=${look.error} />
      <ul class="checks">
        <li>
          <span><span class="strong">PEX</span><span class="hint inline">${data.business_name}</span></span>
          ${state(bad("pex") || pex.problem)}
          <p class="more hint">Works with the login of ${pex.username || "nobody yet"}${pex.token_expires_at ? `, valid until ${day(pex.token_expires_at)}` : ""}.
            ${found.length === 3 ? " All three tags are in place." : ` ${found.length} of 3 tags are in place.`}
            ${pex.callbacks === "subscribed" && pex.has_callback_secret ? " PEX tells us of purchases at once." : " Purchases are found by the schedule."}</p>
        </li>
        <li>
          <span><span class="strong">Procore</span><span class="hint inline">${procore.company_name}</span></span>
          ${state(bad("procore") || procore.problem)}
          <p class="more hint">Company ID ${procore.company_id}.${data.quota && ` ${number(data.quota.remaining)} of ${counted(data.quota.limit, "call")} left this hour.`}</p>
        </li>
      </ul>
    <//>
  `;
}

function Sync({ connection, settings, onDone }) {
  const { last_runs: runs, schedule = {} } = connection.data;
  const [error, setError] = useState(null);
  const [saving, setSaving] = useState({});
  const change = async (name, on) => {
    setSaving({ [name]: on });
    setError(null);
    try {
      await settings.save({ [name]: on });
      onDone();
    } catch (problem) {
      setError(problem);
    }
    setSaving({});
  };
  const chosen = settings.settings && { ...settings.settings, ...saving };
  const last = runs.find((run) => run.kind === "transactions" && run.status === "finished");
  const next = schedule.next_transactions_at;
  return html`
    <${Card} title="Syncing">
      <dl class="facts">
        <div><dt>Last sync</dt><dd>${last ? ago(last.finished_at) : "Never"}</dd></div>
        <div><dt>Next sync</dt><dd>${chosen?.automatic_sync && next ? (new Date(next) < new Date() ? "Now" : soon(next)) : "When you start it"}</dd></div>
      </dl>
      <${SyncButtons} connection=${connection} onDone=${onDone} />
      <${ProblemNote} error=${error ?? settings.error} retry=${settings.error && settings.reload} />
      ${chosen && html`
        <div class="stack">
          <${Switch} label="Automatic sync" checked=${chosen.automatic_sync} busy=${"automatic_sync" in saving}
            hint=${chosen.automatic_sync ? "Purchases are imported as they settle." : "Off: nothing is imported until you press Sync now."}
            onValue=${(on) => change("automatic_sync", on)} />
          <${Switch} label="Project sync" checked=${chosen.sync_projects} busy=${"sync_projects" in saving}
            hint=${chosen.sync_projects ? "Every Procore project becomes an option in PEX." : html`Only picked projects are options. <a href="#/settings/projects">Pick projects</a>`}
            onValue=${(on) => change("sync_projects", on)} />
        </div>`}
    <//>
  `;
}

const LastRuns = ({ runs }) => html`
  <${Card} title="Last runs" actions=${html`<a href="#/history">See all</a>`}>
    ${runs.length === 0 && html`<${Empty} title="Nothing has run yet." />`}
    <ul class="rows">
      ${runs.map((run) => html`
        <li key=${run.run_id}>
          <a href="#/history/${run.run_id}">${run.kind === "tags" ? "Tags" : "Expenses"}</a>
          <span class="hint">${ago(run.started_at)}${tally(run.counts).length ? ` · ${tally(run.counts).slice(0, 2).join(" · ")}` : ""}</span>
          ${run.status === "running" ? html`<${Badge}>Running<//>` : html`<${Badge} tone=${VERDICTS[run.verdict]?.[1]}>${VERDICTS[run.verdict]?.[0]}<//>`}
        </li>
      `)}
    </ul>
  <//>
`;

function Choices({ settings: { settings }, data }) {
  if (!settings) return null;
  const mark = (on, text) => html`<li><${Badge} tone=${on ? "good" : "plain"}>${on ? "On" : "Off"}<//> ${text}</li>`;
  return html`
    <${Card} title="Settings" actions=${html`<a href="#/settings">Change</a>`}>
      <ul class="marks">
        ${mark(settings.sync_projects, "Projects tag follows Procore")}
        ${mark(settings.sync_cost_codes, "Cost codes tag follows Procore")}
        ${mark(settings.sync_cost_types, "Cost types tag follows Procore")}
        ${mark(settings.sync_expenses, `Purchases become expenses (${settings.transactions === "approved" ? "approved ones" : "all"}; status ${settings.expense_status})`)}
        ${mark(settings.attach_receipts, "Receipts are attached")}
      </ul>
      <p class="hint">Purchases since ${day(settings.start_date)}. Connected to ${data.procore.company_name}.</p>
    <//>
  `;
}
