// Setting up, in the order of the product. Every step saves what it asks, so leaving loses nothing.
import { html, useState } from "./html.js";
import { get } from "./api.js";
import { useSettings } from "./state.js";
import { Loading, ProblemNote, useFocus } from "./ui.js";
import { CompanyStep, PexStep, ProcoreStep, TagsStep, ToolsStep } from "./setup_sides.js";
import { ChoicesStep, ProjectsStep, StartStep, SummaryStep } from "./setup_choices.js";

const STEPS = [
  ["pex", "PEX permissions", PexStep],
  ["tags", "PEX tags", TagsStep],
  ["procore", "Procore sign-in", ProcoreStep],
  ["company", "Procore company", CompanyStep],
  ["tools", "Procore permissions", ToolsStep],
  ["choices", "What to sync", ChoicesStep],
  ["projects", "Projects", ProjectsStep],
  ["start", "Start date", StartStep],
  ["summary", "Summary", SummaryStep],
];

// Where somebody who comes back goes on.
function firstOpen(done) {
  if (!done.tags || !done.credentials) return "pex";
  if (!done.company) return "company";
  return done.settings && done.active ? "summary" : "tools";
}

export function Setup({ connection, route }) {
  const [current, setCurrent] = useState(() => (STEPS.some(([id]) => id === route.id) ? route.id : firstOpen(connection.data.set_up)));
  const [kept, setKept] = useState({}); // what one step tells another: the companies Procore listed
  const settings = useSettings();
  const steps = STEPS.filter(([id]) => id !== "projects" || settings.settings?.sync_projects === false);
  const place = Math.max(0, steps.findIndex(([id]) => id === current));
  const [id, title, Step] = steps[place];
  const heading = useFocus(id);
  if (settings.error) return html`<${ProblemNote} error=${settings.error} retry=${settings.reload} />`;
  if (!settings.settings) return html`<${Loading} />`;
  const go = (by) => setCurrent(steps[place + by][0]);
  // A step that changed which steps there are names the one it wants.
  const next = (named) => (typeof named === "string" ? setCurrent(named) : go(1));
  const lookAgain = async () => connection.set(await get("connection", { check: "now" }));
  return html`
    <div class="wizard">
      <nav aria-label="Steps of the set-up">
        <p class="hint">Step ${place + 1} of ${steps.length}</p>
        <progress max=${steps.length} value=${place + 1} aria-label="Progress of the set-up"></progress>
        <ol>
          ${steps.map(([name, text], index) => html`
            <li key=${name} class=${index < place ? "done" : ""} aria-current=${index === place ? "step" : undefined}>${text}</li>
          `)}
        </ol>
      </nav>
      <section class="card step" aria-labelledby="step-title">
        <h1 id="step-title" tabindex="-1" ref=${heading}>${title}</h1>
        <${Step} key=${id} connection=${connection} settings=${settings} kept=${kept}
          keep=${(more) => setKept((old) => ({ ...old, ...more }))} next=${next} lookAgain=${lookAgain}
          back=${place > 0 ? () => go(-1) : null} />
      </section>
    </div>
  `;
}
