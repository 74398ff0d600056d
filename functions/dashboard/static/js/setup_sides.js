// The first steps: PEX and Procore, each checked before anything is chosen.
import { html, useEffect, useState } from "./html.js";
import { put } from "./api.js";
import { moment } from "./format.js";
import { useAction } from "./state.js";
import { Badge, Button, Confirm, Loading, Note, ProblemNote, Radios, TextField } from "./ui.js";
import { Form, useDraft } from "./choices.js";
import { SignInForm } from "./signin.js";
import { TagChecks, TagMapping } from "./tags.js";

export const Buttons = ({ back, children }) => html`
  <div class="buttons">
    ${back && html`<${Button} onClick=${back}>Back<//>`}
    ${children}
  </div>
`;

// Asks both sides afresh when the step appears, and again when told to.
function useFreshLook(lookAgain) {
  const look = useAction(async () => (await lookAgain(), true));
  useEffect(() => void look.run(), []);
  return look;
}

const PERMISSION = { ok: ["good", "Allowed"], missing: ["bad", "Missing"], unknown: ["plain", "PEX does not tell"] };
const TOOL = { ok: ["good", "Allowed"], missing: ["bad", "Missing"], unknown: ["plain", "Not known yet"] };

// `rows`: [{name, label, status, told}]
const Checks = ({ rows, words }) => html`
  <ul class="checks">
    ${rows.map((row) => html`
      <li key=${row.name}>
        <span class="strong">${row.label}</span>
        <${Badge} tone=${words[row.status][0]}>${words[row.status][1]}<//>
        ${row.told && html`<p class="more hint">${row.told}</p>`}
      </li>
    `)}
  </ul>
`;

export const CheckedAt = ({ at, look }) => html`
  <p class="row">
    <span class="hint" role="status">${look.busy ? "Checking…" : at && `Checked ${moment(at)}`}</span>
    <${Button} busy=${look.busy} onClick=${look.run}>Check again<//>
  </p>
`;

export const Permissions = ({ pex }) => html`
  <${Checks} words=${PERMISSION} rows=${(pex.permissions ?? []).map((one) => ({
    ...one, told: one.status === "missing" && (one.where || "Switch it on in PEX: My Profile → Permissions."),
  }))} />
`;

export const Tools = ({ procore }) => html`
  <${Checks} words=${TOOL} rows=${(procore.tools ?? []).map((one) => ({
    ...one, told: one.status === "ok" ? "" : `Needs ${one.needs}. ${one.message}`,
  }))} />
`;

export function PexStep({ connection, lookAgain, next, back }) {
  const look = useFreshLook(lookAgain);
  const { pex, session, business_name: business } = connection.data;
  const missing = (pex.permissions ?? []).some((one) => one.status === "missing");
  if (connection.data.status === "disconnected" || pex.problem === "pex_token_rejected") {
    return html`
      <p>The connector has no PEX login for <strong>${business}</strong> any more. Sign in to PEX again; your former settings
        are still there.</p>
      <${SignInForm} onDone=${look.run} />
    `;
  }
  return html`
    <p>The connector works in PEX with the login of <strong>${pex.username || session?.username}</strong> for
      <strong> ${business}</strong>. It needs three permissions.</p>
    <${ProblemNote} error=${look.error} retry=${look.run} />
    <${Permissions} pex=${pex} />
    ${missing && html`<${Note} tone="warn" title="A permission is missing">
      <p>Switch it on in PEX under My Profile → Permissions, or ask another PEX administrator to. Then check again.</p><//>`}
    <${CheckedAt} at=${pex.checked_at} look=${look} />
    <${Buttons} back=${back}><${Button} kind="primary" disabled=${missing} onClick=${next}>Next<//><//>
  `;
}

export function TagsStep({ connection, settings, lookAgain, next, back }) {
  const look = useFreshLook(lookAgain);
  const form = useDraft(settings.settings, settings.save);
  const { tags } = connection.data;
  const open = ["project", "cost_code", "cost_type"].some((kind) => tags?.[kind]?.status !== "found");
  return html`
    <p>Cardholders say in PEX what a purchase is for, with three drop-down tags. The connector fills them from Procore.</p>
    <${ProblemNote} error=${look.error} retry=${look.run} />
    <${TagChecks} tags=${tags} onChecked=${lookAgain} />
    <${CheckedAt} at=${tags?.checked_at} look=${look} />
    ${open && html`<details>
      <summary>Choose among the tags you have</summary>
      <${Form} form=${form} label="Use these tags" onSaved=${look.run}><${TagMapping} form=${form} /><//>
    </details>`}
    <${Buttons} back=${back}><${Button} kind="primary" onClick=${next}>Next<//><//>
  `;
}

export function ServiceAccountSteps() {
  return html`
    <ol class="steps">
      <li>Log in to Procore as a company administrator, open your profile and choose <strong>Account & Admin Settings</strong>.</li>
      <li>In the company settings choose <strong>Service Accounts</strong>, then <strong>+ New</strong>.</li>
      <li>Set <strong>App Type</strong> to Marketplace and <strong>Marketplace App</strong> to PEX Connector.</li>
      <li>Give it a name, such as PEX-Connector, and choose <strong>Create</strong>.</li>
      <li>Copy the Client ID and the Client Secret right away: Procore shows the secret only once.</li>
    </ol>
  `;
}

// `onKept`: called with the companies these credentials see.
export function ProcoreForm({ onKept, label = "Check and go on", children }) {
  const [login, setLogin] = useState({ client_id: "", client_secret: "", company_id: "" });
  const check = useAction(() => {
    const { client_id, client_secret, company_id } = login;
    const number = /^\d+$/.test(company_id.trim()) ? { company_id: Number(company_id.trim()) } : {};
    return put("connection/procore", { client_id: client_id.trim(), client_secret: client_secret.trim(), ...number });
  });
  const { error } = check;
  const complete = login.client_id.trim() && login.client_secret.trim();
  const submit = async (event) => {
    event.preventDefault();
    if (check.busy || !complete) return;
    const found = await check.run();
    if (found) onKept(found.companies);
  };
  const field = (name) => ({ name, value: login[name], onValue: (text) => setLogin((old) => ({ ...old, [name]: text })) });
  return html`
    <form onSubmit=${submit} novalidate>
      <${ProblemNote} error=${error} />
      <${TextField} label="Client ID" ...${field("client_id")} error=${error?.field === "client_id" && "Check the Client ID."} />
      <${TextField} label="Client Secret" type="password" ...${field("client_secret")} autocomplete="new-password"
        error=${error?.field === "client_secret" && "Check the Client Secret."} />
      ${error?.field === "company_id" && html`
        <${TextField} label="Company ID" inputmode="numeric" ...${field("company_id")}
          hint="Procore did not list the companies. The number stands in the address of your company's page: procore.com/…/company/4267118/…" />`}
      <div class="buttons">
        ${children}
        <${Button} type="submit" kind="primary" busy=${check.busy} disabled=${!complete}>${label}<//>
      </div>
    </form>
  `;
}

export function ProcoreStep({ connection, keep, next, back }) {
  const { procore } = connection.data;
  const kept = async (companies) => {
    keep({ companies });
    connection.reload();
    next("company");
  };
  return html`
    <p>The connector signs in to Procore with a service account of its own. Enter what Procore showed when it was created.</p>
    <details>
      <summary>I have no service account yet</summary>
      <${ServiceAccountSteps} />
    </details>
    ${procore.has_credentials && html`<${Note} tone="good">
      <p>Credentials are stored already. Enter them again only to replace them${procore.company_id ? "" : ", or to choose the company"}.</p><//>`}
    <${ProcoreForm} onKept=${kept}>
      ${back && html`<${Button} onClick=${back}>Back<//>`}
      ${procore.has_credentials && procore.company_id && html`<${Button} onClick=${() => next("company")}>Keep them<//>`}
    <//>
  `;
}

// Chosen at once when there is one only.
export function CompanyChoice({ companies, connection, onChosen, back, label = "Next" }) {
  const current = connection.data.procore.company_id;
  const [chosen, setChosen] = useState(companies.length === 1 ? companies[0].id : current);
  const [confirming, setConfirming] = useState(false);
  const choose = useAction(async (confirm) => {
    const told = confirm ? { confirm: true } : {};
    await put("connection/company", { company_id: chosen, ...told });
    connection.reload();
    return true;
  });
  const go = async (confirm) => {
    if (await choose.run(confirm)) onChosen();
    else setConfirming(false);
  };
  const changes = current != null && chosen !== current;
  return html`
    <${ProblemNote} error=${choose.error?.code === "company_change" ? null : choose.error} />
    ${companies.length === 1
      ? html`<${Note} tone="good" title=${companies[0].name}>
          <p>Company ID ${companies[0].id}. It is the only company this service account sees.</p><//>`
      : html`<${Radios} legend="Company to sync with" value=${chosen} onValue=${setChosen}
          options=${companies.map((one) => [one.id, one.name, `Company ID ${one.id}`])} />`}
    <${Buttons} back=${back}>
      <${Button} kind="primary" busy=${choose.busy} disabled=${!chosen}
        onClick=${() => (changes ? setConfirming(true) : go(false))}>${label}<//>
    <//>
    ${confirming && html`
      <${Confirm} title="Change the company?" yes="Change the company" danger busy=${choose.busy}
        onYes=${() => go(true)} onNo=${() => setConfirming(false)}>
        <p>A new history begins. The vendor, the picked projects and the defaults belong to the former company and have to be
          chosen again. What was already posted stays where it is.</p>
      <//>`}
  `;
}

export function CompanyStep({ connection, kept, next, back }) {
  const { procore } = connection.data;
  if (kept.companies) {
    return html`<${CompanyChoice} companies=${kept.companies} connection=${connection} onChosen=${next} back=${back} />`;
  }
  if (!procore.company_id) {
    return html`
      <p>Enter the Client ID and Client Secret once more, and we list the companies they see.</p>
      <${Buttons} back=${back} />
    `;
  }
  return html`
    <${Note} tone="good" title=${procore.company_name}><p>Company ID ${procore.company_id}.</p><//>
    <p class="hint">To choose another company, go back and enter the credentials again.</p>
    <${Buttons} back=${back}><${Button} kind="primary" onClick=${next}>Next<//><//>
  `;
}

export function ToolsStep({ connection, lookAgain, next, back }) {
  const look = useFreshLook(lookAgain);
  const { procore } = connection.data;
  const missing = (procore.tools ?? []).filter((one) => one.status === "missing" && !one.optional);
  return html`
    <p>This is what the service account may do in <strong>${procore.company_name}</strong>. It needs no more than what is
      listed; “Admin” for every tool works too, but gives away more than is needed.</p>
    <${ProblemNote} error=${look.error} retry=${look.run} />
    ${look.busy && !procore.tools?.length ? html`<${Loading} what="Trying each tool…" />` : html`<${Tools} procore=${procore} />`}
    ${missing.length > 0 && html`<${Note} tone="warn" title="Ask your Procore administrator">
      <p>In Procore's Directory: find the service account, choose Edit, and set the levels named above. Then check again.
        You can go on meanwhile; what is missing will not sync.</p><//>`}
    <${CheckedAt} at=${procore.checked_at} look=${look} />
    <${Buttons} back=${back}><${Button} kind="primary" onClick=${next}>Next<//><//>
  `;
}
