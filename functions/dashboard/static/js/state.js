// What a part of the page keeps while it loads, saves and waits.
import { useCallback, useEffect, useRef, useState } from "./html.js";
import { ask } from "./api.js";

// Loads when it appears and when `inputs` change. An answer that comes late does not replace a newer one.
export function useLoad(load, inputs = []) {
  const [state, setState] = useState({ loading: true });
  const latest = useRef(0);
  const reload = useCallback(async () => {
    const turn = ++latest.current;
    const settle = (next) => turn === latest.current && setState(next);
    setState((before) => ({ ...before, loading: true }));
    try {
      settle({ data: await load(), loading: false });
    } catch (error) {
      settle({ error, loading: false });
    }
  }, inputs);
  useEffect(() => {
    reload();
    return () => void latest.current++;
  }, [reload]);
  const replace = (data) => {
    latest.current++; // what is still on its way is older
    setState({ data, loading: false });
  };
  return { ...state, reload, replace };
}

// One action at a time: whether it is under way, and what went wrong.
export function useAction(act) {
  const [state, setState] = useState({ busy: false, error: null });
  const run = async (...given) => {
    setState({ busy: true, error: null });
    try {
      const result = await act(...given);
      setState({ busy: false, error: null });
      return result;
    } catch (error) {
      setState({ busy: false, error });
      return undefined;
    }
  };
  return { ...state, run, clear: () => setState({ busy: false, error: null }) };
}

// Calls `look` again and again, `seconds` after it last came back, until it answers true.
export function usePoll(look, seconds, inputs) {
  useEffect(() => {
    let timer;
    let stopped = false;
    const turn = async () => {
      const done = await look().catch(() => false);
      if (!stopped && !done) timer = setTimeout(turn, seconds * 1000);
    };
    turn();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, inputs);
}

// Calls `act` every so many seconds while `on`.
export function useEvery(seconds, on, act) {
  const latest = useRef();
  latest.current = act;
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => latest.current(), seconds * 1000);
    return () => clearInterval(timer);
  }, [Boolean(on)]);
}

// The admin's choices, and saving some of them without overwriting somebody else's.
export function useSettings() {
  const loaded = useLoad(() => ask("GET", "settings"));
  const save = async (patch) => {
    try {
      loaded.replace(await ask("PATCH", "settings", { body: patch, headers: { "If-Match": loaded.data.etag } }));
      return true;
    } catch (error) {
      if (error.code === "stale" || error.code === "conflict") await loaded.reload(); // so that a second try may do
      throw error;
    }
  };
  const { data, error, loading, reload } = loaded;
  return { settings: data?.data, error, loading, reload, save };
}
