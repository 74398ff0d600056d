// Every run: when, why, and how it ended.
import { html } from "./html.js";
import { address, get } from "./api.js";
import { moment, RUNS, tally, TRIGGERS, VERDICTS } from "./format.js";
import { useEvery } from "./state.js";
import { Badge, Empty, Heading, Loading, More, ProblemNote, usePages } from "./ui.js";

const LOOK_SECONDS = 5;

export const Verdict = ({ run }) => (run.status === "running"
  ? html`<${Badge}>Running<//>`
  : html`<${Badge} tone=${VERDICTS[run.verdict]?.[1]}>${VERDICTS[run.verdict]?.[0]}<//>`);

export function Runs() {
  const pages = usePages((next) => get("runs", { next }), []);
  useEvery(LOOK_SECONDS, pages.items?.some((run) => run.status === "running"), pages.restart);
  return html`
    <${Heading} actions=${html`<a class="button" href=${address("history.csv")} download>Download as CSV</a>`}>History<//>
    <${ProblemNote} error=${pages.error} retry=${pages.restart} />
    ${!pages.items && pages.busy && html`<${Loading} />`}
    ${pages.items?.length === 0 && html`<${Empty} title="Nothing has run yet."><p>Press Sync now on the <a href="#/">overview</a>, or wait for the schedule.</p><//>`}
    ${pages.items?.length > 0 && html`
      <div class="card table-wrap" tabindex="0" role="region" aria-label="Runs">
        <table class="stacks">
          <thead><tr><th scope="col">Started</th><th scope="col">What</th><th scope="col">Result</th><th scope="col">Details</th></tr></thead>
          <tbody>${pages.items.map((run) => html`
            <tr key=${run.run_id}>
              <td><a href="#/history/${run.run_id}">${moment(run.started_at)}</a></td>
              <td>${RUNS[run.kind]}<span class="hint">${TRIGGERS[run.trigger]}</span></td>
              <td><${Verdict} run=${run} /></td>
              <td>${tally(run.counts).join(" · ") || (run.verdict === "success" && "Nothing new")}${run.message && html`<span class="hint">${run.message}</span>`}</td>
            </tr>`)}</tbody>
        </table>
      </div>`}
    <${More} pages=${pages} />
  `;
}
