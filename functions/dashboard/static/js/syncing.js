// Starting a run, and watching it.
import { html, useState } from "./html.js";
import { get, post } from "./api.js";
import { counted, number, RUNS, soon, tally, VERDICTS } from "./format.js";
import { useAction, usePoll } from "./state.js";
import { Badge, Button, Confirm, Note, ProblemNote } from "./ui.js";

const LOOK_SECONDS = 2;

// `onDone`: what the page shows may have changed.
export function SyncButtons({ connection, onDone }) {
  const running = connection.data.running;
  const [watched, setWatched] = useState(null);
  const [over, setOver] = useState(null);
  const start = useAction(async (kind) => {
    setOver(null);
    try {
      setWatched((await post("runs", { kind })).run_id);
    } catch (error) {
      if (error.code !== "already_running") throw error;
      setWatched(error.body.run_id);
    }
  });
  const run = watched ?? (over ? null : running);
  const finished = (result) => {
    setWatched(null);
    setOver(result);
    onDone();
  };
  return html`
    <div class="buttons start">
      <${Button} kind="primary" busy=${start.busy} disabled=${run != null} onClick=${() => start.run("transactions")}>Sync now<//>
      <${Button} disabled=${run != null || start.busy} onClick=${() => start.run("tags")}>Refresh tags now<//>
    </div>
    <${ProblemNote} error=${start.error} />
    ${run && html`<${Progress} key=${run} id=${run} onFinished=${finished} />`}
    ${over && html`<${Result} run=${over} />`}
  `;
}

export function Progress({ id, onFinished }) {
  const [run, setRun] = useState(null);
  const [lost, setLost] = useState(false);
  usePoll(async () => {
    try {
      const seen = await get(`runs/${id}`);
      setRun(seen);
      setLost(false);
      if (seen.status === "finished") onFinished(seen);
      return seen.status === "finished";
    } catch (error) {
      setLost(error.code === "offline");
      return error.status === 404;
    }
  }, LOOK_SECONDS, [id]);
  const { done, total, quota_remaining: quota, waits_until: until, estimated_end: end } = run?.progress ?? {};
  return html`
    <div class="progress">
      <progress aria-label="Progress of the sync" max=${total || undefined} value=${total ? done : undefined}></progress>
      <p role="status">${run ? `${RUNS[run.kind]}: ` : ""}${total ? `${number(done)} of ${number(total)}` : "working…"}</p>
      ${run && tally(run.counts).length > 0 && html`<p class="hint">${tally(run.counts).join(" · ")}</p>`}
      ${until && html`<p>Procore's limit is reached for now. It goes on by itself at ${soon(until)}.</p>`}
      <p class="hint">
        ${end && `About ready at ${soon(end)}. `}${quota != null && `${counted(quota, "Procore call")} left this hour. `}
        ${lost && "The connection is lost; syncing goes on without this page."}
      </p>
    </div>
  `;
}

function Result({ run }) {
  const [word, tone] = VERDICTS[run.verdict] ?? ["Finished", "plain"];
  const told = tally(run.counts);
  return html`
    <div class="progress" role="status">
      <p><${Badge} tone=${tone}>${word}<//> ${told.length ? told.join(" · ") : "There was nothing new."}</p>
      ${run.message && html`<p class="hint">${run.message}</p>`}
      <p><a href="#/history/${run.run_id}">See this run</a></p>
    </div>
  `;
}

// Procore's list shrank so much that nothing was switched off: a person says that it is meant.
export function ConfirmShrunk({ onDone }) {
  const [asking, setAsking] = useState(false);
  const start = useAction(async () => {
    await post("runs", { kind: "tags", confirm: true });
    setAsking(false);
    onDone();
  });
  return html`
    <${Button} onClick=${() => setAsking(true)}>Confirm the change<//>
    ${asking && html`
      <${Confirm} title="Switch the missing options off?" yes="Refresh the tags" onYes=${start.run} busy=${start.busy}
        error=${start.error} onNo=${() => setAsking(false)}>
        <p>Options that Procore no longer has are switched off in PEX. Cardholders cannot choose them any more; purchases that
          name them keep them.</p>
      <//>`}
  `;
}

export const QuotaNote = ({ quota }) => quota?.remaining === 0 && html`
  <${Note} tone="warn" title="Procore's hourly limit is used up">
    <p>Nothing to do: the connector goes on by itself at ${soon(quota.resets_at)}.</p>
  <//>
`;
