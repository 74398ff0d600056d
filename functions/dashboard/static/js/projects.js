// Picking single projects: all of Procore's on the left, the picked ones on the right.
import { html, useMemo, useState } from "./html.js";
import { get } from "./api.js";
import { counted, number } from "./format.js";
import { useLoad } from "./state.js";
import { Button, Loaded, Note, TextField } from "./ui.js";

const SHOWN = 300;

const named = (project) => [project.number, project.name].filter(Boolean).join(" · ");

const KINDS = [
  ["active", false, "inactive"],
  ["demo", true, "demo"],
  ["template", true, "template"],
];
const marks = (project) => KINDS.filter(([field, when]) => project[field] === when).map(([, , text]) => text).join(", ");

export function ProjectPicker({ value, onValue, error }) {
  const projects = useLoad(() => get("procore/projects"));
  return html`
    <${Loaded} from=${projects} what="Asking Procore for its projects…">
      ${(data) => html`<${Picker} all=${data.items} picked=${value} onPick=${onValue} error=${error} />`}
    <//>
  `;
}

function Picker({ all, picked, onPick, error }) {
  const [sought, setSought] = useState("");
  const chosen = useMemo(() => new Set(picked), [picked]);
  const matching = useMemo(() => {
    const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
    return all.filter((one) => words.every((word) => named(one).toLowerCase().includes(word)));
  }, [all, sought]);
  const toggle = (id) => onPick(chosen.has(id) ? picked.filter((one) => one !== id) : [...picked, id]);
  const addAll = () => onPick([...picked, ...matching.map((one) => one.id).filter((id) => !chosen.has(id))]);
  const byId = useMemo(() => new Map(all.map((one) => [one.id, one])), [all]);
  const lost = picked.filter((id) => !byId.has(id));
  const spare = matching.filter((one) => !chosen.has(one.id)).length;
  return html`
    ${lost.length > 0 && html`
      <${Note} tone="warn" title="Some picked projects are gone from Procore">
        <p>They were deleted, or the service account may no longer see them. Remove them from the list, or give the account
          access again.</p>
      <//>`}
    ${error && html`<p class="field-error">${error}</p>`}
    <div class="columns">
      <fieldset class="picker">
        <legend>Procore projects (${number(all.length)})</legend>
        <${TextField} label="Search by number or name" type="search" value=${sought} onValue=${setSought} />
        <p class="row">
          <span class="hint" role="status">${counted(matching.length, "project")}${sought && " found"}</span>
          <${Button} kind="link" disabled=${!spare} onClick=${addAll}>Pick ${sought ? "these" : "all"}<//>
        </p>
        <div class="list">
          ${matching.slice(0, SHOWN).map((one) => html`
            <label key=${one.id} class="choice">
              <input type="checkbox" checked=${chosen.has(one.id)} onChange=${() => toggle(one.id)} />
              <span>${named(one)}${marks(one) && html` <span class="hint inline">(${marks(one)})</span>`}</span>
            </label>
          `)}
          ${!matching.length && html`<p class="hint">${all.length ? "No project of that name." : "Procore shows no project to this service account."}</p>`}
        </div>
        ${matching.length > SHOWN && html`<p class="hint">The first ${SHOWN} are shown. Search to see others.</p>`}
      </fieldset>
      <section class="picker" aria-label="Picked projects">
        <p class="legend">Picked (<span role="status">${number(picked.length)}</span>)</p>
        <p class="row"><span class="hint">Options of the Projects tag.</span>
          <${Button} kind="link" disabled=${!picked.length} onClick=${() => onPick([])}>Remove all<//></p>
        <ul class="list picked">
          ${picked.slice(0, SHOWN).map((id) => html`
            <li key=${id}>
              <span>${byId.has(id) ? named(byId.get(id)) : `Project ${id} (gone)`}</span>
              <button type="button" class="link" aria-label=${`Remove ${byId.has(id) ? named(byId.get(id)) : id}`}
                onClick=${() => toggle(id)}>Remove</button>
            </li>
          `)}
          ${!picked.length && html`<li class="hint">None yet.</li>`}
        </ul>
        ${picked.length > SHOWN && html`<p class="hint">…and ${number(picked.length - SHOWN)} more.</p>`}
      </section>
    </div>
  `;
}
