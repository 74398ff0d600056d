// The parts every screen is made of.
import { html, useEffect, useId, useRef, useState } from "./html.js";
import { ACTORS } from "./format.js";

const ICONS = {
  good: "M4 10.5 8.2 14.5 16 6",
  warn: "M10 3 18 17H2ZM10 8v4M10 14.6v.2",
  bad: "M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM10 6v5M10 13.8v.2",
  info: "M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM10 9v5M10 6v.2",
  plain: "M5 10h10",
};

export const Icon = ({ name }) => html`
  <svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d=${ICONS[name]} /></svg>
`;

export const Badge = ({ tone = "plain", children }) => html`
  <span class="badge ${tone}"><${Icon} name=${tone} />${children}</span>
`;

export function Button({ busy, kind = "", children, ...more }) {
  return html`
    <button type="button" class=${kind} aria-disabled=${busy ? "true" : undefined} ...${more}
      onClick=${(event) => (busy ? event.preventDefault() : more.onClick?.(event))}>
      ${busy && html`<span class="spinner" aria-hidden="true"></span>`}${children}
    </button>
  `;
}

export const Loading = ({ what = "Loading…" }) => html`
  <p class="loading" role="status"><span class="spinner" aria-hidden="true"></span>${what}</p>
`;

export const Empty = ({ title, children }) => html`
  <div class="empty"><p class="strong">${title}</p>${children}</div>
`;

export function Note({ tone = "info", title, children, alert, action }) {
  return html`
    <div class="note ${tone}" role=${alert ? "alert" : undefined}>
      <${Icon} name=${tone} />
      <div>${title && html`<p class="strong">${title}</p>`}${children}</div>
      ${action && html`<p class="action">${action}</p>`}
    </div>
  `;
}

// Who has to do what.
export const Todo = ({ help }) => html`
  ${help.actor !== "nobody" && html`<strong>${ACTORS[help.actor]}: </strong>`}${help.what_to_do}
`;

const TITLES = {
  offline: "No connection",
  busy: "Please wait a moment",
  internal_error: "Something failed on our side",
  unavailable: "Something failed on our side",
};

// What went wrong, in words, and what to do about it.
export function ProblemNote({ error, retry }) {
  if (!error) return null;
  const [said, todo] = error.detail === undefined && error.code === undefined
    ? ["The page met something unexpected.", "Load the page again."]
    : [error.message, error.todo];
  return html`
    <${Note} tone="bad" title=${TITLES[error.code]} alert>
      <p>${said}${todo && html` ${todo}`}</p>
      ${retry && html`<p><${Button} onClick=${retry}>Try again<//></p>`}
    <//>
  `;
}

// Content that had to be loaded: the wait, the failure, or what `children` makes of it.
export function Loaded({ from, what, children }) {
  if (from.error) return html`<${ProblemNote} error=${from.error} retry=${from.reload} />`;
  if (from.data === undefined) return html`<${Loading} what=${what} />`;
  return children(from.data);
}

export function Card({ title, id, actions, children, tone = "" }) {
  const name = useId();
  return html`
    <section class="card ${tone}" id=${id} aria-labelledby=${title && name}>
      ${title && html`<header><h2 id=${name} tabindex="-1">${title}</h2>${actions && html`<div class="actions">${actions}</div>`}</header>`}
      ${children}
    </section>
  `;
}

// A label, its control (a function of the attributes that tie them together), a hint and an error.
export function Field({ label, hint, error, children }) {
  const id = useId();
  const told = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      ${children({ id, "aria-describedby": told, "aria-invalid": error ? "true" : undefined })}
      ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
      ${error && html`<p class="field-error" id="${id}-error"><${Icon} name="bad" />${error}</p>`}
    </div>
  `;
}

export function TextField({ label, hint, error, value, onValue, ...more }) {
  return html`
    <${Field} label=${label} hint=${hint} error=${error}>
      ${(tied) => html`
        <input type="text" autocomplete="off" spellcheck="false" ...${more} ...${tied}
          value=${value} onInput=${(event) => onValue(event.target.value)} />
      `}
    <//>
  `;
}

// `choices`: [value, label] pairs.
export function SelectField({ label, hint, error, value, onValue, choices, ...more }) {
  return html`
    <${Field} label=${label} hint=${hint} error=${error}>
      ${(tied) => html`
        <select ...${more} ...${tied} value=${value ?? ""} onChange=${(event) => onValue(event.target.value)}>
          ${choices.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === (value ?? "")}>${text}</option>`)}
        </select>
      `}
    <//>
  `;
}

// `options`: [value, label, hint] triples.
export function Radios({ legend, value, onValue, options, error }) {
  const name = useId();
  return html`
    <fieldset class="radios">
      <legend>${legend}</legend>
      ${options.map(([key, label, hint]) => html`
        <label key=${key} class="choice">
          <input type="radio" name=${name} value=${key} checked=${key === value} onChange=${() => onValue(key)} />
          <span>${label}${hint && html`<span class="hint">${hint}</span>`}</span>
        </label>
      `)}
      ${error && html`<p class="field-error"><${Icon} name="bad" />${error}</p>`}
    </fieldset>
  `;
}

export function Switch({ label, hint, checked, onValue, busy, disabled }) {
  const id = useId();
  return html`
    <div class="switch">
      <input type="checkbox" role="switch" id=${id} checked=${checked} disabled=${disabled || busy}
        aria-describedby=${hint && `${id}-hint`} onChange=${(event) => onValue(event.target.checked)} />
      <div>
        <label for=${id}>${label}</label>
        ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
      </div>
    </div>
  `;
}

export function Confirm({ title, yes, no = "Cancel", danger, onYes, onNo, busy, error, children }) {
  const dialog = useRef();
  const name = useId();
  useEffect(() => dialog.current.showModal(), []);
  return html`
    <dialog ref=${dialog} aria-labelledby=${name} onCancel=${(event) => (event.preventDefault(), onNo())}>
      <h2 id=${name}>${title}</h2>
      ${children}
      <${ProblemNote} error=${error} />
      <div class="buttons">
        <${Button} onClick=${onNo}>${no}<//>
        <${Button} kind=${danger ? "danger" : "primary"} busy=${busy} onClick=${onYes}>${yes}<//>
      </div>
    </dialog>
  `;
}

// The heading of a screen takes the focus when the screen appears, so that keyboards and screen readers follow;
// unless a part further down is `wanted`.
export function useFocus(screen, wanted) {
  const heading = useRef();
  useEffect(() => {
    if (wanted) return;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [screen]);
  return heading;
}

export function Heading({ children, actions, wanted }) {
  const heading = useFocus("", wanted);
  return html`
    <div class="heading"><h1 ref=${heading} tabindex="-1">${children}</h1>${actions}</div>
  `;
}

// Rows by the page, with a button for more. `load(next)` answers {"items", "next"}.
export function usePages(load, inputs) {
  const [state, setState] = useState({ items: null, next: null, busy: true });
  const latest = useRef(0);
  const fetchPage = async (next, before) => {
    const turn = ++latest.current;
    setState((old) => ({ ...old, busy: true, error: null }));
    try {
      const page = await load(next);
      if (turn === latest.current) setState({ items: [...before, ...page.items], next: page.next, busy: false });
    } catch (error) {
      if (turn === latest.current) setState((old) => ({ ...old, busy: false, error }));
    }
  };
  const restart = () => fetchPage(null, []);
  useEffect(() => void restart(), inputs);
  return { ...state, more: () => fetchPage(state.next, state.items), restart };
}

export const More = ({ pages }) => pages.next && html`
  <p class="more"><${Button} busy=${pages.busy} onClick=${pages.more}>Show more<//></p>
`;
