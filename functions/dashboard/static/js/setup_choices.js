// The last steps: what to sync, from when on, a look at what would happen, and on.
import { html, useEffect, useState } from "./html.js";
import { post, put } from "./api.js";
import { counted, day, money, number, OUTCOMES, today } from "./format.js";
import { useAction } from "./state.js";
import { Badge, Button, Empty, Loading, ProblemNote, TextField, Todo } from "./ui.js";
import { ExpenseStatus, Form, PostDate, StartDate, useDraft, useVendorName, VendorPicker, WhatToSync, WhichPurchases } from "./choices.js";
import { ProjectPicker } from "./projects.js";
import { Buttons } from "./setup_sides.js";

const OFF = { automatic_sync: false }; // nothing is posted before the last step

export function ChoicesStep({ settings, next, back }) {
  const form = useDraft(settings.settings, settings.save);
  const { sync_expenses: expenses, sync_projects: all, vendor_id: vendor } = form.value;
  return html`
    <${Form} form=${form} more=${OFF} label="Next" onCancel=${back} cancel="Back" canSave=${vendor != null || !expenses}
      onSaved=${() => next(all ? "start" : "projects")}>
      <${WhatToSync} form=${form} />
      ${expenses && html`
        <${WhichPurchases} form=${form} />
        <${VendorPicker} form=${form} />
        <${ExpenseStatus} form=${form} />
      `}
    <//>
  `;
}

export function ProjectsStep({ settings, next, back }) {
  const form = useDraft(settings.settings, settings.save);
  return html`
    <p>Only these projects become options of the Projects tag.</p>
    <${Form} form=${form} label="Next" onCancel=${back} cancel="Back" canSave=${form.value.project_ids.length > 0} onSaved=${next}>
      <${ProjectPicker} value=${form.value.project_ids} onValue=${(ids) => form.set({ project_ids: ids })} error=${form.errors.project_ids} />
    <//>
  `;
}

export function StartStep({ settings, next, back }) {
  const form = useDraft({ ...settings.settings, start_date: settings.settings.start_date ?? today() }, settings.save);
  return html`
    <${Form} form=${form} label="Next" onCancel=${back} cancel="Back" more=${{ start_date: form.value.start_date }} onSaved=${next}>
      <${StartDate} form=${form} />
      <${PostDate} form=${form} />
    <//>
  `;
}

const DAYS = 7;

function followed(chosen) {
  const projects = chosen.sync_projects ? "all projects" : chosen.project_ids.length && counted(chosen.project_ids.length, "project");
  const names = [projects, chosen.sync_cost_codes && "cost codes", chosen.sync_cost_types && "cost types"].filter(Boolean).join(", ");
  return names ? names[0].toUpperCase() + names.slice(1) : "None";
}

export function SummaryStep({ connection, settings, back }) {
  const { procore, pex } = connection.data;
  const chosen = settings.settings;
  const vendor = useVendorName(chosen.vendor_id, true);
  const [from] = useState(() => (chosen.start_date > today(DAYS) ? chosen.start_date : today(DAYS)));
  const tryOut = useAction(async () => (await post("runs", { kind: "transactions", dry_run: true, from })).dry_run);
  const [found, setFound] = useState(null);
  const look = async () => setFound((await tryOut.run()) ?? null);
  useEffect(() => void (chosen.sync_expenses && look()), []);
  const start = useAction(async () => {
    await settings.save({ automatic_sync: true });
    if (chosen.sync_projects || chosen.sync_cost_codes || chosen.sync_cost_types) {
      await post("runs", { kind: "tags" }).catch(() => null); // the schedule does it otherwise
    }
    location.hash = "#/";
    await connection.reload();
    return true;
  });
  return html`
    <dl class="facts">
      <div><dt>PEX business</dt><dd>${connection.data.business_name}</dd></div>
      <div><dt>Procore company</dt><dd>${procore.company_name}</dd></div>
      <div><dt>Start date</dt><dd>${day(chosen.start_date)}</dd></div>
      <div><dt>Tags that follow Procore</dt><dd>${followed(chosen)}</dd></div>
      <div><dt>Purchases</dt><dd>${!chosen.sync_expenses ? "Not imported" : chosen.transactions === "all" ? "All" : "Approved only"}</dd></div>
      ${chosen.sync_expenses && html`
        <div><dt>Vendor</dt><dd>${vendor ?? "…"}</dd></div>
        <div><dt>Status in Procore</dt><dd>${chosen.expense_status[0].toUpperCase() + chosen.expense_status.slice(1)}</dd></div>
        <div><dt>Receipts</dt><dd>${chosen.attach_receipts ? "Attached" : "Not attached"}</dd></div>`}
    </dl>
    ${chosen.sync_expenses && html`
      <h2>What would happen</h2>
      <p>A look at the purchases settled since ${day(from)}. Nothing is written.</p>
      <${ProblemNote} error=${tryOut.error} retry=${look} />
      ${tryOut.busy && html`<${Loading} what="Reading purchases from PEX and matching them with Procore…" />`}
      ${found && html`<${DryRun} found=${found} />`}
    `}
    ${!pex.has_callback_secret && html`<${CallbackSecret} onSaved=${connection.reload} />`}
    <${ProblemNote} error=${start.error} />
    <${Buttons} back=${back}>
      <${Button} kind="primary" busy=${start.busy} onClick=${start.run}>Turn on<//>
    <//>
  `;
}

const OTHERS = [
  ["waiting", "would wait"], ["refused", "would not be imported"], ["already_posted", "would stay as they are in Procore"],
  ["failed", "could not be judged"],
];

function DryRun({ found }) {
  const { counts, items } = found;
  const others = OTHERS.filter(([name]) => counts[name]).map(([name, text]) => `, ${number(counts[name])} ${text}`).join("");
  if (!items.length) return html`<${Empty} title="No purchase settled in these days."><p>New ones are imported as they settle.</p><//>`;
  return html`
    <p class="tally" role="status">
      <strong>${counted(counts.would_post ?? 0, "expense")}</strong> of ${money(found.amount)} would be posted${others}.
      ${found.more && " There is more; this is the beginning."}
    </p>
    <div class="table-wrap" tabindex="0" role="region" aria-label="Purchases of the last days">
      <table class="stacks">
        <thead><tr><th scope="col">Date</th><th scope="col">Purchase</th><th scope="col" class="number">Amount</th><th scope="col">Result</th></tr></thead>
        <tbody>
          ${items.map((one) => html`
            <tr key=${one.transaction_id}>
              <td>${day(one.date)}</td>
              <td>${one.merchant}<span class="hint">${one.cardholder}</span></td>
              <td class="number beside">${money(one.amount)}</td>
              <td><${Badge} tone=${OUTCOMES[one.outcome][1]}>${OUTCOMES[one.outcome][0]}<//>
                ${one.help && html`<span class="hint">${one.help.text} <${Todo} help=${one.help} /></span>`}</td>
            </tr>
          `)}
        </tbody>
      </table>
    </div>
  `;
}

// Optional: without it purchases come with the next scheduled sync.
export function CallbackSecret({ onSaved }) {
  const [secret, setSecret] = useState("");
  const save = useAction(async () => {
    await put("connection/pex-callback", { secret: secret.trim() });
    setSecret("");
    onSaved();
    return true;
  });
  const submit = (event) => (event.preventDefault(), secret.trim() && !save.busy && save.run());
  return html`
    <details>
      <summary>Sync within seconds (optional)</summary>
      <p>PEX can tell us of each purchase as it settles. PEX support issues a callback secret for that; without it new purchases
        are found by the schedule, within about a quarter of an hour.</p>
      <form onSubmit=${submit} novalidate>
        <${ProblemNote} error=${save.error} />
        <${TextField} label="PEX callback secret" type="password" autocomplete="new-password" value=${secret} onValue=${setSecret} />
        <${Button} type="submit" busy=${save.busy} disabled=${secret.trim().length < 8}>Save the secret<//>
      </form>
    </details>
  `;
}
