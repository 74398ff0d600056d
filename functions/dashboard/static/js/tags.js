// The three PEX tags: which is which, and what is wrong with them.
import { html } from "./html.js";
import { get, post } from "./api.js";
import { counted, KIND, KINDS, TAG_NAMES } from "./format.js";
import { useAction, useLoad } from "./state.js";
import { Badge, Button, Loaded, Note, ProblemNote, SelectField } from "./ui.js";

const STATUS = {
  found: ["good", "Found"],
  missing: ["warn", "Missing"],
  wrong_type: ["bad", "Not a drop-down"],
  disabled: ["bad", "Disabled in PEX"],
  deleted: ["bad", "Deleted in PEX"],
  unknown: ["plain", "Not checked"],
};
const ADVICE = {
  wrong_type: "Only drop-down tags can hold Procore's list. Choose another tag; or rename this one in PEX, and let us create a new one.",
  disabled: "Switch it on in PEX: Business settings → Tag Manager.",
  deleted: "Choose another tag; or choose the usual one, and let us create it.",
};

// `tags`: that part of the connection. `onChecked`: it is to be read afresh.
export function TagChecks({ tags, onChecked }) {
  const missing = Object.keys(KINDS).filter((kind) => tags?.[kind]?.status === "missing");
  const create = useAction(async (kinds) => {
    await post("pex/tags", { kinds });
    await onChecked();
    return true;
  });
  return html`
    <${ProblemNote} error=${create.error} />
    <ul class="checks">
      ${Object.entries(KINDS).map(([kind, label]) => html`<${TagCheck} key=${kind} kind=${kind} label=${label} tag=${tags?.[kind] ?? { status: "unknown" }} />`)}
    </ul>
    ${missing.length > 0 && html`
      <p><${Button} kind="primary" busy=${create.busy} onClick=${() => create.run(missing)}>
        Create ${missing.length === 1 ? "it" : "them"} for me<//></p>
      <p class="hint">We create ${missing.length === 1 ? "a drop-down tag" : "drop-down tags"} with the placeholder option
        “Test”. Procore's list takes its place at the first sync.</p>`}
  `;
}

const TagCheck = ({ label, kind, tag }) => {
  const [tone, word] = STATUS[tag.status] ?? STATUS.unknown;
  return html`
    <li>
      <span><span class="strong">${label}</span><span class="hint inline">${tag.name || tag.expected_name}</span></span>
      <${Badge} tone=${tone}>${word}<//>
      <div class="more">
        ${tag.status === "found" && html`<p class="hint">${tag.options != null && counted(tag.options, "option")}${tag.required && " · required"}</p>`}
        ${tag.status === "found" && tag.required === false && kind !== "project" && html`
          <p class="hint">Not required yet. Make it required in PEX, so that cardholders cannot leave out the ${KIND[kind]}.</p>`}
        ${ADVICE[tag.status] && html`<p>${ADVICE[tag.status]}</p>`}
      </div>
    </li>
  `;
};

// Which PEX tag is which, where they do not bear the usual names.
export function TagMapping({ form }) {
  const tags = useLoad(async () => (await get("pex/tags")).items);
  const chosen = form.value.tags;
  return html`
    <${Loaded} from=${tags} what="Asking PEX for its tags…">
      ${(items) => {
        const usable = items.filter((one) => one.usable);
        return html`
          ${Object.entries(KINDS).map(([kind, label]) => html`
            <${SelectField} key=${kind} label=${`PEX tag for ${label.toLowerCase()}`} value=${chosen[kind] ?? ""}
              error=${form.errors.tags && !usable.some((one) => one.id === chosen[kind]) ? form.errors.tags : undefined}
              onValue=${(id) => form.set({ tags: { ...chosen, [kind]: id || null } })}
              choices=${[["", `The tag called “${TAG_NAMES[kind]}”`], ...usable.map((one) => [one.id, one.name]),
                ...(chosen[kind] && !usable.some((one) => one.id === chosen[kind]) ? [[chosen[kind], "A tag that cannot be used any more"]] : [])]} />
          `)}
          ${!usable.length && html`<${Note} tone="warn"><p>PEX has no drop-down tag yet. Go back to let us create the three tags.</p><//>`}
        `;
      }}
    <//>
  `;
}
