// The stream of events, and what the page asks of the server.

const SILENT_MS = 3000;
const AGAIN_MS = 1000;
const LOST = "The connection to bench lab is lost. Is it still running in the terminal? Trying again…";
const ENDED = "This page belongs to a lab that has ended. Open the address that the new one printed in the terminal.";

// Calls back with each event, and tells the listener "connected" or "lost" with a sentence.
export function listen({ hello, state, connected, lost }) {
  let source = null;
  let heard = performance.now();
  let again = null;

  const open = () => {
    again = null;
    source = new EventSource("events");
    const on = (name, told) =>
      source.addEventListener(name, (event) => {
        heard = performance.now();
        connected();
        told(JSON.parse(event.data));
      });
    on("hello", hello);
    on("state", state);
    source.onerror = async () => {
      source.close();
      if (again !== null) return;
      again = setTimeout(open, AGAIN_MS);
      lost(LOST);
      try {
        const answer = await fetch("alive", { cache: "no-store" });
        if (answer.status === 403) {
          clearTimeout(again);
          again = setTimeout(open, 10 * AGAIN_MS);
          lost(ENDED);
        }
      } catch {
        // The server does not answer: the page says so already.
      }
    };
  };

  setInterval(() => {
    if (source.readyState === EventSource.OPEN && performance.now() - heard > SILENT_MS)
      lost("bench lab has sent nothing for some seconds. The figures are old.");
  }, 1000);
  open();
}

// Posts JSON; returns null if it was accepted, else the sentence that says why not.
export async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return answer.ok ? null : await answer.text();
  } catch {
    return LOST;
  }
}
