// Every choice, each changed in its place.
import { html, useEffect, useState } from "./html.js";
import { get, remove } from "./api.js";
import { counted, day, KINDS, TAG_NAMES } from "./format.js";
import { useAction, useLoad, useSettings } from "./state.js";
import { Button, Card, Confirm, Heading, Loading, Note, ProblemNote, Radios, SelectField, Switch, TextField } from "./ui.js";
import {
  ExpenseStatus, Form, OtherProjects, PostDate, StartDate, useDraft, useVendorName, VendorPicker, WhatToSync, WhichPurchases,
} from "./choices.js";
import { ProjectPicker } from "./projects.js";
import { TagChecks, TagMapping } from "./tags.js";
import { CallbackSecret } from "./setup_choices.js";
import { CheckedAt, CompanyChoice, Permissions, ProcoreForm, ServiceAccountSteps, Tools } from "./setup_sides.js";
import { SignInForm } from "./signin.js";

const yes = (on) => (on ? "Yes" : "No");

const WhatForm = ({ form }) => html`<${WhatToSync} form=${form} /><${WhichPurchases} form=${form} />`;

const ExpensesForm = ({ form }) => html`
  <${VendorPicker} form=${form} />
  <${ExpenseStatus} form=${form} />
  <${PostDate} form=${form} />
  <div class="stack">
    <${Switch} label="Expenses follow their purchases" checked=${form.value.update_expenses}
      hint="When a purchase is recoded, split or corrected in PEX, its expense changes too, unless somebody changed it in Procore."
      onValue=${(on) => form.set({ update_expenses: on })} />
    <${Switch} label="Write a note in PEX" checked=${form.value.write_notes}
      hint="Each imported purchase gets a note that names its expense." onValue=${(on) => form.set({ write_notes: on })} />
  </div>
  <${TextField} type="number" label="Largest receipt, in MB" min="1" max="40" value=${form.value.receipt_limit_mb}
    error=${form.errors.receipt_limit_mb} onValue=${(text) => form.set({ receipt_limit_mb: Number(text) })} />
`;

const ProjectsForm = ({ form }) => html`
  <${Switch} label="All Procore projects" checked=${form.value.sync_projects} onValue=${(on) => form.set({ sync_projects: on })}
    hint="Off: only those picked here become options of the Projects tag." />
  ${!form.value.sync_projects && html`<${ProjectPicker} value=${form.value.project_ids} error=${form.errors.project_ids}
    onValue=${(ids) => form.set({ project_ids: ids })} />`}
  <${OtherProjects} form=${form} />
`;

function TagsForm({ form }) {
  const projects = useLoad(async () => (await get("procore/projects")).items);
  const types = useLoad(async () => (await get("procore/cost-types")).items);
  const { defaults } = form.value;
  const set = (kind) => (value) => form.set({ defaults: { ...defaults, [kind]: value || null } });
  const options = (loaded, name) => [
    ["", loaded.loading ? "None (loading…)" : "None: the purchase waits"],
    ...(loaded.data ?? []).map((one) => [String(one.id), name(one)]),
  ];
  return html`
    <${TagMapping} form=${form} />
    <h3>Where a purchase lacks a tag</h3>
    <${SelectField} label="Use this project" value=${defaults.project ?? ""} onValue=${set("project")}
      choices=${options(projects, (one) => [one.number, one.name].filter(Boolean).join(" · "))} />
    <${TextField} label="Use this cost code" value=${defaults.cost_code ?? ""} onValue=${set("cost_code")}
      hint="Written as in Procore, such as 01-500. Left empty, the purchase waits." />
    <${SelectField} label="Use this cost type" value=${defaults.cost_type ?? ""} onValue=${set("cost_type")}
      choices=${options(types, (one) => [one.code, one.name].filter(Boolean).join(" · "))} />
  `;
}

const StartForm = ({ form }) => html`<${StartDate} form=${form} />`;

const ReferenceForm = ({ form }) => html`
  <${Radios} legend="How our expenses are found again in Procore" value=${form.value.reference}
    onValue=${(reference) => form.set({ reference })}
    options=${[
      ["auto", "Automatic", "Recommended. Procore's origin ID, or the description where an ERP connector owns that field."],
      ["origin_id", "Origin ID", "The strongest, but Procore makes such expenses read-only on its own pages."],
      ["description", "Description", "A short code at the end of the description. Expenses stay editable in Procore."],
    ]} />
`;

// id, title, form, and what is shown while nothing is changed.
const PARTS = [
  ["sync", "What to sync", WhatForm, (now) => [
    ["Projects tag follows Procore", yes(now.sync_projects)],
    ["Cost codes tag follows Procore", yes(now.sync_cost_codes)],
    ["Cost types tag follows Procore", yes(now.sync_cost_types)],
    ["Purchases become expenses", now.sync_expenses ? (now.transactions === "approved" ? "Approved only" : "All") : "No"],
    ["Receipts are attached", yes(now.attach_receipts)],
  ]],
  ["expenses", "Expenses in Procore", ExpensesForm, (now, vendor) => [
    ["Vendor", now.vendor_id ? vendor ?? `Vendor ${now.vendor_id}` : "None chosen"],
    ["Status", now.expense_status[0].toUpperCase() + now.expense_status.slice(1)],
    ["Date", now.post_date === "settlement" ? "Day the purchase settled" : "Day of the purchase"],
    ["Expenses follow their purchases", yes(now.update_expenses)],
    ["Note in PEX", yes(now.write_notes)],
    ["Largest receipt", `${now.receipt_limit_mb} MB`],
  ]],
  ["projects", "Projects", ProjectsForm, (now) => [
    ["Options of the Projects tag", now.sync_projects ? "All Procore projects" : counted(now.project_ids.length, "picked project")],
    ["Also", [now.include_inactive_projects && "inactive", now.include_demo_projects && "demo",
      now.include_template_projects && "template"].filter(Boolean).join(", ") || "No inactive, demo or template projects"],
    ["Rename options with Procore", yes(now.rename_options)],
  ]],
  ["tags", "Tags and defaults", TagsForm, (now) => [
    ...Object.entries(KINDS).map(([kind, label]) => [`Tag for ${label.toLowerCase()}`, now.tags[kind] ? "Chosen by you" : `“${TAG_NAMES[kind]}”`]),
    ["Where a tag is lacking", Object.values(now.defaults).some(Boolean) ? "Defaults are used" : "The purchase waits"],
  ]],
  ["start", "Start date", StartForm, (now) => [["Purchases since", day(now.start_date)]]],
  ["reference", "Reference", ReferenceForm, (now) => [
    ["Our expenses are found by", { auto: "Automatic", origin_id: "Origin ID", description: "Description" }[now.reference]],
  ]],
];

export function Settings({ connection, route }) {
  const settings = useSettings();
  const now = settings.settings;
  const vendor = useVendorName(now?.vendor_id, connection.data.procore.has_credentials);
  useEffect(() => {
    const part = now && route.id && document.getElementById(route.id);
    if (part) (part.scrollIntoView(), part.querySelector("h2, h3").focus());
  }, [now !== undefined, route.id]);
  if (settings.error && !now) return html`<${ProblemNote} error=${settings.error} retry=${settings.reload} />`;
  if (!now) return html`<${Loading} />`;
  return html`
    <${Heading} wanted=${route.id}>Settings<//>
    ${PARTS.map(([id, title, Inner, facts]) => html`
      <${Part} key=${id} id=${id} title=${title} Inner=${Inner} facts=${facts(now, vendor)} settings=${settings}
        connection=${connection} begin=${route.id === id && id !== "sync"} />
    `)}
    <${PexSide} connection=${connection} />
    <${ProcoreSide} connection=${connection} />
    <${Disconnect} connection=${connection} />
  `;
}

export const Facts = ({ rows }) => html`
  <dl class="facts wide">${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
`;

function Part({ id, title, Inner, facts, settings, connection, begin }) {
  const [editing, setEditing] = useState(begin);
  const [saved, setSaved] = useState(false);
  const edit = () => (setEditing(true), setSaved(false));
  const done = () => (setEditing(false), setSaved(true), connection.reload());
  return html`
    <${Card} id=${id} title=${title}
      actions=${!editing && html`<${Button} onClick=${edit} aria-label=${`Edit: ${title}`}>Edit<//>`}>
      ${editing
        ? html`<${Editor} settings=${settings} Inner=${Inner} onSaved=${done} onCancel=${() => setEditing(false)} />`
        : html`<${Facts} rows=${facts} />`}
      <p class="hint" role="status">${saved && "Saved. It applies from the next sync on."}</p>
    <//>
  `;
}

function Editor({ settings, Inner, onSaved, onCancel }) {
  const form = useDraft(settings.settings, settings.save);
  return html`<${Form} form=${form} onSaved=${onSaved} onCancel=${onCancel}><${Inner} form=${form} /><//>`;
}

function useLook(connection) {
  return useAction(async () => connection.set(await get("connection", { check: "now" })));
}

function PexSide({ connection }) {
  const { pex, tags, business_name: business, session } = connection.data;
  const look = useLook(connection);
  const [open, setOpen] = useState(false);
  return html`
    <${Card} id="pex" title="PEX" actions=${html`<${Button} onClick=${() => setOpen(!open)} aria-expanded=${open}>Sign in to PEX again<//>`}>
      ${pex.help && html`<${Note} tone="bad" title=${pex.help.text}><p>${pex.help.what_to_do}</p><//>`}
      <${Facts} rows=${[
        ["Business", business],
        ["Login the connector works with", pex.username || "None"],
        ["Valid until", day(pex.token_expires_at)],
        ["You are signed in as", session?.username ?? "—"],
        ["Purchases are found", pex.callbacks === "subscribed" && pex.has_callback_secret ? "At once, PEX tells us" : "By the schedule"],
      ]} />
      ${open && html`<p>The connector goes on with the login you enter. Settings and history stay.</p>
        <${SignInForm} onDone=${() => (setOpen(false), connection.reload())} />`}
      <h3>Permissions</h3>
      <${ProblemNote} error=${look.error} />
      <${Permissions} pex=${pex} />
      <h3>Tags</h3>
      <${TagChecks} tags=${tags} onChecked=${look.run} />
      <${CheckedAt} at=${pex.checked_at} look=${look} />
      <${CallbackSecret} onSaved=${connection.reload} />
    <//>
  `;
}

function ProcoreSide({ connection }) {
  const { procore } = connection.data;
  const look = useLook(connection);
  const [entering, setEntering] = useState(false);
  const [companies, setCompanies] = useState(null);
  const close = () => (setEntering(false), setCompanies(null));
  return html`
    <${Card} id="procore" title="Procore" actions=${!entering && html`<${Button} onClick=${() => setEntering(true)}>Enter credentials<//>`}>
      ${procore.help && html`<${Note} tone="bad" title=${procore.help.text}><p>${procore.help.what_to_do}</p><//>`}
      <${Facts} rows=${[
        ["Company", procore.company_name || "None chosen"],
        ["Company ID", procore.company_id ?? "—"],
        ["Credentials", procore.has_credentials ? "Stored" : "None"],
      ]} />
      ${entering && !companies && html`
        <details><summary>Where these come from</summary><${ServiceAccountSteps} /></details>
        <${ProcoreForm} label="Check and save" onKept=${(found) => (connection.reload(), setCompanies(found))}>
          <${Button} onClick=${close}>Cancel<//>
        <//>`}
      ${companies && html`<${CompanyChoice} companies=${companies} connection=${connection} onChosen=${close} back=${close} label="Use this company" />`}
      <div id="tools">
        <h3 tabindex="-1">Permissions of the service account</h3>
        <${ProblemNote} error=${look.error} />
        <${Tools} procore=${procore} />
        <${CheckedAt} at=${procore.checked_at} look=${look} />
      </div>
    <//>
  `;
}

function Disconnect({ connection }) {
  const [asking, setAsking] = useState(false);
  const [left, setLeft] = useState(null);
  const cut = useAction(async () => {
    const { left_behind: rest } = await remove("connection");
    setAsking(false);
    setLeft(rest ?? []);
  });
  const company = connection.data.procore.company_name || "Procore";
  return html`
    <${Card} id="disconnect" title="Disconnect" tone="danger-zone">
      ${left ? html`
        <${Note} tone="good" title="Disconnected" alert>
          <p>Nothing is synced any more. To connect again, go through the set-up; your settings and history are kept.</p>
        <//>
        ${left.length > 0 && html`<${Note} tone="warn" title="Could not be taken away">
          <ul>${left.map((one) => html`<li>${one.what}: ${one.why}</li>`)}</ul><//>`}
        <p><a class="button" href="#/" onClick=${connection.reload}>Go to the set-up</a></p>
      ` : html`
        <p>Stops syncing and deletes the stored credentials of both sides. What is in Procore stays there, and the history is kept.</p>
        <${Button} kind="danger" onClick=${() => setAsking(true)}>Disconnect…<//>
      `}
      ${asking && html`
        <${Confirm} title="Disconnect from ${company}?" yes="Yes, disconnect" no="No, stay connected" danger
          busy=${cut.busy} error=${cut.error} onYes=${cut.run} onNo=${() => setAsking(false)}>
          <p>Purchases are no longer imported and tags no longer kept up to date. Expenses already in Procore stay.</p>
        <//>`}
    <//>
  `;
}
