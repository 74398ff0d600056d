// The frame: who is signed in, which screen is shown.
import { html, render, useCallback, useEffect, useRef, useState } from "./html.js";
import { get, post, remove, SIGNED_OUT } from "./api.js";
import { useEvery, useLoad } from "./state.js";
import { Loading, Note, ProblemNote } from "./ui.js";
import { SignIn, takeLaunch } from "./signin.js";
import { Setup } from "./setup.js";
import { Overview } from "./overview.js";
import { Transactions } from "./transactions.js";
import { TransactionPage } from "./transaction.js";
import { Runs } from "./runs.js";
import { RunPage } from "./run.js";
import { Compare } from "./compare.js";
import { Settings } from "./settings.js";
import { Help } from "./help.js";

const SCREENS = [
  ["", "Overview", Overview],
  ["transactions", "Transactions", Transactions, TransactionPage],
  ["history", "History", Runs, RunPage],
  ["compare", "Compare", Compare],
  ["settings", "Settings", Settings],
  ["help", "Help", Help],
];
const LOOK_AGAIN_SECONDS = 60;

// "#/transactions/419?state=waiting" → {"screen": "transactions", "id": "419", "query": {"state": "waiting"}}
function readRoute() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [screen, id] = path.split("/").map(decodeURIComponent);
  return { screen, id, query: Object.fromEntries(new URLSearchParams(query)), hash: location.hash };
}

function useRoute() {
  const [route, setRoute] = useState(readRoute);
  useEffect(() => {
    const follow = () => setRoute(readRoute());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

function useOnline() {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => (removeEventListener("online", look), removeEventListener("offline", look));
  }, []);
  return online;
}

// One look at both sides for all screens. Old data stays on show while a new look is under way or fails; what comes late
// does not replace what was asked for, or set, after it.
function useConnection() {
  const [connection, setConnection] = useState(null);
  const asked = useRef(0);
  const shown = useRef(0);
  const show = (turn, data) => turn > shown.current && ((shown.current = turn), setConnection(data));
  const set = useCallback((data) => show(++asked.current, data), []);
  const loaded = useLoad(async () => {
    const turn = ++asked.current;
    const data = await get("connection");
    show(turn, data);
    return data;
  });
  const forget = useCallback(() => set(null), []);
  return { ...loaded, data: connection, set, forget };
}

// Afterwards a tag that goes missing is something to mend, not a reason to begin again.
const isSetUp = (done) => ["credentials", "company", "settings", "active"].every((step) => done[step]);

function App({ launch }) {
  const route = useRoute();
  const online = useOnline();
  const connection = useConnection();
  const [signedIn, setSignedIn] = useState(true);
  const [launchFailed, setLaunchFailed] = useState(launch);
  useEffect(() => {
    const out = () => (connection.forget(), setSignedIn(false));
    addEventListener(SIGNED_OUT, out);
    return () => removeEventListener(SIGNED_OUT, out);
  }, []);
  useEvery(LOOK_AGAIN_SECONDS, signedIn, () => document.visibilityState === "visible" && connection.reload());
  useEffect(() => void (online && signedIn && connection.error && connection.reload()), [online]);

  const enter = () => (setLaunchFailed(null), setSignedIn(true), connection.reload());
  if (!signedIn && route.screen === "help") {
    return html`<main id="main" class="page"><p><a href="#/">← Sign in</a></p><${Help} signedIn=${false} /></main>`;
  }
  if (!signedIn) return html`<${SignIn} launchFailed=${launchFailed} onDone=${enter} />`;
  if (!connection.data) {
    return html`
      <main class="signin" id="main"><div class="card">
        <h1>PEX Connector for Procore</h1>
        ${connection.error && connection.error.code !== "not_signed_in"
          ? html`<${ProblemNote} error=${connection.error} retry=${connection.reload} />`
          : html`<${Loading} what="Looking at both sides…" />`}
      </div></main>
    `;
  }
  return html`
    <${Frame} route=${route} connection=${connection} online=${online} onSignedOut=${() => setSignedIn(false)} />
  `;
}

function Frame({ route, connection, online, onSignedOut }) {
  const wanted = SCREENS.find(([name]) => name === route.screen) ?? SCREENS[0];
  const beginning = route.screen === "setup" || (route.screen === "" && !isSetUp(connection.data.set_up));
  const Screen = beginning ? Setup : (route.id && wanted[3]) || wanted[2];
  const title = beginning ? "Set up" : wanted[1];
  useEffect(() => void (document.title = `${title} · PEX Connector for Procore`), [title]);
  const leave = async () => {
    await remove("sessions/current").catch(() => null);
    connection.forget();
    onSignedOut();
  };
  const { session, business_name: business } = connection.data;
  return html`
    <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), document.querySelector("h1")?.focus())}>
      Skip to content
    </a>
    <header class="top">
      <div class="bar">
        <p class="product">PEX Connector for Procore</p>
        <div class="who">
          <span class="business">${business}</span>
          <span>${session?.username}</span>
          <button type="button" class="link" onClick=${leave}>Sign out</button>
        </div>
      </div>
      <nav aria-label="Main"><ul>
        ${SCREENS.map(([name, text]) => html`
          <li key=${name}><a href="#/${name}" aria-current=${(beginning ? name === "" : name === wanted[0]) ? "page" : undefined}>
            ${name === "" && beginning ? "Set up" : text}
          </a></li>
        `)}
      </ul></nav>
    </header>
    <main id="main" class="page">
      ${!online && html`
        <${Note} tone="warn" title="You are offline" alert>
          <p>What you see may be out of date. Syncing goes on without this page.</p>
        <//>`}
      ${online && connection.error && html`<${ProblemNote} error=${connection.error} retry=${connection.reload} />`}
      <${Screen} key=${`${title} ${route.id ?? ""}`} route=${route} connection=${connection} />
    </main>
  `;
}

async function begin() {
  const jwt = takeLaunch();
  const failed = jwt ? await post("sessions", { pex_jwt: jwt }).then(() => null, (error) => error) : null;
  const root = document.getElementById("app");
  root.replaceChildren();
  render(html`<${App} launch=${failed} />`, root);
}

begin();
