// Getting in: launched from PEX, through PEX's own sign-in page, or with an API token.
import { html, useState } from "./html.js";
import { ask, get, post, Problem } from "./api.js";
import { useAction, useLoad, usePoll } from "./state.js";
import { Button, Loading, Note, ProblemNote, TextField } from "./ui.js";

// What PEX's dashboard put into the address when it opened us. It is taken out of the address at once.
export function takeLaunch() {
  const query = new URLSearchParams(location.search);
  const jwt = query.get("jwt");
  if (location.search) history.replaceState(null, "", location.pathname + location.hash);
  return jwt;
}

export function SignIn({ launchFailed, onDone }) {
  return html`
    <main class="signin" id="main">
      <div class="card">
        <p class="product">PEX Connector for Procore</p>
        <h1>Sign in</h1>
        <p>Card purchases from PEX become expenses in Procore, with their tags, notes and receipts.</p>
        <${ProblemNote} error=${launchFailed} />
        <${SignInForm} onDone=${onDone} />
        <p><a href="#/help">Help: what is needed on both sides</a></p>
      </div>
    </main>
  `;
}

// Also used to replace the PEX login a connection works with.
export function SignInForm({ onDone }) {
  const offered = useLoad(() => get("sessions/options"));
  const [waiting, setWaiting] = useState(null);
  if (offered.loading) return html`<${Loading} />`;
  if (waiting) return html`<${PexLogin} login=${waiting} onDone=${onDone} onCancel=${() => setWaiting(null)} />`;
  return html`
    ${offered.data?.pex_login && html`<${StartPexLogin} onStarted=${setWaiting} /><p class="or">or</p>`}
    <${TokenForm} kind=${offered.data?.pex_login ? "" : "primary"} onDone=${onDone} />
  `;
}

function TokenForm({ kind, onDone }) {
  const [token, setToken] = useState("");
  const signIn = useAction(() => post("sessions", { pex_token: token.trim() }));
  const submit = async (event) => {
    event.preventDefault();
    if (!token.trim() || signIn.busy) return;
    if (await signIn.run()) {
      setToken("");
      onDone();
    }
  };
  const { error } = signIn;
  return html`
    <form onSubmit=${submit}>
      <${ProblemNote} error=${error} />
      <${TextField} label="PEX API token" type="password" value=${token} onValue=${setToken} name="pex_token"
        error=${error?.field === "pex_token" && "PEX did not accept this token."}
        hint="In PEX: your profile → Authorized apps → Generate token. Use an administrator's login." />
      <${Button} type="submit" kind=${kind} busy=${signIn.busy}>Sign in<//>
    </form>
  `;
}

function StartPexLogin({ onStarted }) {
  const start = useAction(async () => {
    const login = await post("sessions/pex-login");
    if (!/^https?:/.test(login.authorize_url)) throw new Problem(0, { detail: "PEX gave no address to sign in at." });
    open(login.authorize_url, "_blank", "noopener");
    onStarted(login);
  });
  return html`
    <${ProblemNote} error=${start.error} />
    <p><${Button} kind="primary" busy=${start.busy} onClick=${start.run}>Sign in with PEX<//></p>
  `;
}

function PexLogin({ login, onDone, onCancel }) {
  const [error, setError] = useState(null);
  usePoll(async () => {
    try {
      const answer = await ask("GET", `sessions/pex-login/${login.id}`);
      if (answer.status === 200) onDone();
      return answer.status === 200;
    } catch (problem) {
      if (problem.code !== "offline") setError(problem);
      return problem.code !== "offline";
    }
  }, 2, [login.id]);
  if (error) return html`<${ProblemNote} error=${error} retry=${onCancel} />`;
  return html`
    <${Note} title="Sign in on PEX's page">
      <p>It opened in another tab. Once you are signed in there, this page goes on by itself.</p>
      <p><a href=${login.authorize_url} target="_blank" rel="noopener noreferrer">Open PEX's page again</a></p>
    <//>
    <${Loading} what="Waiting for PEX…" />
    <p><${Button} onClick=${onCancel}>Use another way<//></p>
  `;
}
