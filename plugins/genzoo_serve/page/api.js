// The server: JSON, forms, and streams of events. A server that wants a key gets the user's.

let key = "";
try { key = sessionStorage.getItem("genzoo-key") || ""; } catch { /* no storage here */ }

export class ApiError extends Error {}

let askForKey = async () => null;
export const onKeyNeeded = (ask) => { askForKey = ask; };
export const hasKey = () => key !== "";
export function setKey(value) {
  key = value;
  try { sessionStorage.setItem("genzoo-key", value); } catch { /* it lives as long as the page */ }
}

async function send(path, options = {}) {
  for (;;) {
    const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    let response;
    try {
      response = await fetch(path, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError("the server does not answer");
    }
    if (response.ok) return response;
    if (response.status === 401) {
      const typed = await askForKey();
      if (typed) { setKey(typed); continue; }
    }
    let message = `the server answered ${response.status}`;
    try { message = (await response.json()).error.message; } catch { /* no JSON */ }
    throw new ApiError(message);
  }
}

export const read = async (path) => (await send(path)).json();

function withBody(body, signal) {
  if (body instanceof FormData || body instanceof Blob) return { method: "POST", body, signal };
  const headers = { "Content-Type": "application/json" };
  return { method: "POST", body: JSON.stringify(body), headers, signal };
}

export const post = async (path, body, signal) => (await send(path, withBody(body, signal))).json();

// Calls `onEvent` with the data of each server-sent event.
export async function stream(path, body, onEvent, signal) {
  const response = await send(path, withBody(body, signal));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    let chunk;
    try {
      chunk = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError("the connection to the server broke off");
    }
    const { done, value } = chunk;
    if (done) return;
    text += value;
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const lines = text.slice(0, end).split("\n").filter((line) => line.startsWith("data:"));
      text = text.slice(end + 2);
      if (!lines.length) continue;
      const data = JSON.parse(lines.map((line) => line.slice(5).trimStart()).join("\n"));
      if (data.error) throw new ApiError(data.error.message);
      onEvent(data);
    }
  }
}

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
export const pngOf = (base64) => new Blob([bytesOf(base64)], { type: "image/png" });
