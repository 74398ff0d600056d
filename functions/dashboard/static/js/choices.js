// The admin's choices as forms. The set-up and the settings show the same ones.
import { html, useEffect, useState } from "./html.js";
import { get } from "./api.js";
import { today } from "./format.js";
import { useAction, useLoad } from "./state.js";
import { Button, Loading, Note, ProblemNote, Radios, Switch, TextField } from "./ui.js";

// What is being changed, before it is saved. `errors`: field → sentence, of the last try.
export function useDraft(settings, save) {
  const [draft, setDraft] = useState({});
  const saving = useAction(save);
  const errors = {};
  for (const one of saving.error?.problems ?? []) errors[one.field.split(".")[0]] ??= one.message;
  if (saving.error?.field && !saving.error.problems.length) errors[saving.error.field.split(".")[0]] = saving.error.message;
  return {
    value: { ...settings, ...draft },
    set: (change) => setDraft((before) => ({ ...before, ...change })),
    errors,
    error: saving.error,
    busy: saving.busy,
    save: (more = {}) => saving.run({ ...draft, ...more }),  // true once it is saved
  };
}

const TOGGLES = [
  ["sync_projects", "Keep the Projects tag equal to Procore",
    "Every Procore project becomes an option in PEX. Switch it off to pick single projects."],
  ["sync_cost_codes", "Keep the Cost codes tag equal to Procore", "Every cost code of those projects becomes an option."],
  ["sync_cost_types", "Keep the Cost types tag equal to Procore", "Every cost type becomes an option."],
  ["sync_expenses", "Import PEX purchases as expenses in Procore", "Each settled purchase becomes one expense per project."],
  ["attach_receipts", "Attach PEX receipts to those expenses", "Also receipts that come days later."],
];

export const WhatToSync = ({ form }) => html`
  <div class="stack">
    ${TOGGLES.map(([name, label, hint]) => html`
      <${Switch} key=${name} label=${label} hint=${hint} checked=${form.value[name]}
        disabled=${name === "attach_receipts" && !form.value.sync_expenses}
        onValue=${(on) => form.set({ [name]: on })} />
    `)}
  </div>
`;

export const WhichPurchases = ({ form }) => html`
  <${Radios} legend="Which purchases" value=${form.value.transactions} onValue=${(transactions) => form.set({ transactions })}
    options=${[
      ["all", "All settled purchases", "Approved in PEX or not."],
      ["approved", "Only those approved in PEX", "The others wait, and are imported once somebody approves them."],
    ]} />
`;

export const ExpenseStatus = ({ form }) => html`
  <${Radios} legend="Status of new expenses in Procore" value=${form.value.expense_status}
    onValue=${(status) => form.set({ expense_status: status })}
    options=${[
      ["draft", "Draft", "Recommended. Somebody looks at each expense in Procore before it counts."],
      ["pending", "Pending", "Waits for approval in Procore."],
      ["approved", "Approved", "Counts at once."],
    ]} />
  ${form.value.expense_status === "approved" && html`
    <${Note} tone="warn" title="Approved expenses reach the owner's invoice">
      <p>Procore puts approved direct costs on the owner's next invoice and into the budget's actual costs, before anybody
        has looked at them.</p>
    <//>`}
`;

export const PostDate = ({ form }) => html`
  <${Radios} legend="Date of an expense" value=${form.value.post_date} onValue=${(date) => form.set({ post_date: date })}
    options=${[
      ["settlement", "Day the purchase settled", "When the money left the account, usually one to three days later."],
      ["transaction", "Day of the purchase", "When the card was used."],
    ]} />
`;

export const StartDate = ({ form }) => html`
  <${TextField} type="date" label="Start date (Eastern time)" value=${form.value.start_date ?? ""} min=${today(365)} max=${today()}
    error=${form.errors.start_date} onValue=${(date) => form.set({ start_date: date })}
    hint="Purchases before this day are never imported. PEX lists purchases of the last twelve months." />
`;

const VENDORS_SHOWN = 50;

export function VendorPicker({ form }) {
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed.trim()), 300);
    return () => clearTimeout(timer);
  }, [typed]);
  const found = useLoad(async () => (await get("procore/vendors", { q: asked })).items, [asked]);
  const chosen = form.value.vendor_id;
  const rows = found.data ?? [];
  const gone = found.data && !asked && chosen != null && !rows.some((one) => one.id === chosen && one.active);
  const shown = rows.filter((one) => one.active || one.id === chosen).slice(0, VENDORS_SHOWN);
  return html`
    <fieldset class="picker">
      <legend>Vendor</legend>
      <p class="hint">All PEX purchases are posted under this vendor. If you have none for them yet, create one in Procore's
        Directory first, for example “PEX Card Purchases”.</p>
      <${TextField} label="Search vendors" type="search" value=${typed} onValue=${setTyped} error=${form.errors.vendor_id} />
      <${ProblemNote} error=${found.error} retry=${found.reload} />
      ${gone && html`<${Note} tone="warn"><p>The vendor chosen so far is not active in Procore any more. Choose another one.</p><//>`}
      ${!found.data && found.loading && html`<${Loading} what="Asking Procore for its vendors…" />`}
      <div class="list" role="group" aria-label="Vendors" aria-busy=${found.loading}>
        ${shown.map((one) => html`
          <label key=${one.id} class="choice">
            <input type="radio" name="vendor" value=${one.id} checked=${one.id === chosen}
              onChange=${() => form.set({ vendor_id: one.id })} />
            <span>${one.name}${!one.active && html` <span class="hint inline">(inactive in Procore)</span>`}</span>
          </label>
        `)}
        ${found.data && !shown.length && html`<p class="hint">No active vendor of that name in Procore.</p>`}
      </div>
      ${rows.length > VENDORS_SHOWN && html`<p class="hint">The first ${VENDORS_SHOWN} are shown. Type part of the name to see others.</p>`}
    </fieldset>
  `;
}

// What Procore calls the chosen vendor; undefined while it is not known. `can`: there is a Procore to ask.
export function useVendorName(id, can) {
  const vendors = useLoad(async () => (can ? (await get("procore/vendors")).items : []), [can]);
  const found = vendors.data?.find((one) => one.id === id);
  if (!vendors.data || found?.active) return found?.name;
  return `${found?.name ?? `Vendor ${id}`} (not active in Procore)`;
}

// Which of Procore's other projects become options too.
const EXTRAS = [
  ["include_inactive_projects", "Include inactive projects"],
  ["include_demo_projects", "Include demo projects"],
  ["include_template_projects", "Include template projects"],
];

export const OtherProjects = ({ form }) => html`
  <div class="stack">
    ${EXTRAS.map(([name, label]) => html`
      <${Switch} key=${name} label=${label} checked=${form.value[name]} onValue=${(on) => form.set({ [name]: on })} />
    `)}
    <${Switch} label="Rename options when Procore renames" checked=${form.value.rename_options}
      onValue=${(on) => form.set({ rename_options: on })} />
  </div>
`;

// Saves by the Enter key as well as by its button.
export function Form({ form, onSaved, children, label = "Save", onCancel, cancel = "Cancel", more, canSave = true }) {
  const submit = async (event) => {
    event.preventDefault();
    if (!form.busy && canSave && (await form.save(more))) onSaved();
  };
  const shown = form.error && !Object.keys(form.errors).length;
  return html`
    <form onSubmit=${submit} novalidate>
      ${shown && html`<${ProblemNote} error=${form.error} />`}
      ${!shown && form.error && html`<${Note} tone="bad" alert><p>Not saved yet: ${Object.values(form.errors).join(" ")}</p><//>`}
      ${children}
      <div class="buttons">
        ${onCancel && html`<${Button} onClick=${onCancel}>${cancel}<//>`}
        <${Button} type="submit" kind="primary" busy=${form.busy} disabled=${!canSave}>${label}<//>
      </div>
    </form>
  `;
}
