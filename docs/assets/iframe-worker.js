// A page that is opened from a disk may start no worker, and the search is one. Its script runs in a
// hidden frame there instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      const told = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.postMessage = (data) =>
        inside.dispatchEvent(new inside.MessageEvent("message", { data }));
      inside.postMessage = told;
      inside.importScripts = () => Promise.resolve();
      const script = inside.document.createElement("script");
      script.src = url;
      this.loaded = new Promise((resolve) => (script.onload = resolve));
      const send = this.postMessage;
      this.postMessage = (data) => this.loaded.then(() => send(data));
      inside.document.body.append(script);
    }
  };
}
