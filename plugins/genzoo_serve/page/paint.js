// A picture on a canvas, and a mask over it: what is painted is to be made anew.

export class Painter {
  constructor(canvas, brush, onchange) {
    Object.assign(this, { canvas, brush, onchange, picture: null, mask: null, last: null });
    this.cursor = { x: 0, y: 0, seen: false };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.last = null;
      this.stroke(event);
    });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons) this.stroke(event); });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => { this.cursor.seen = false; this.draw(); });
  }

  show(picture) {
    const { width, height } = picture;
    this.picture = picture;
    this.mask = Object.assign(document.createElement("canvas"), { width, height });
    // Enlarged for the eye alone: the mask has a pixel for each of the picture.
    this.scale = Math.max(1, Math.ceil(320 / Math.max(width, height)));
    Object.assign(this.canvas, { width: width * this.scale, height: height * this.scale });
    this.cursor = { x: width / 2, y: height / 2, seen: false };
    this.painted = false;
    this.draw();
    this.onchange();
  }

  get radius() {
    return Math.max(1, (Math.max(this.mask.width, this.mask.height) * this.brush.value) / 200);
  }

  stroke(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.mask.width;
    const y = ((event.clientY - box.top) / box.height) * this.mask.height;
    const from = this.last || { x, y };
    const steps = Math.max(1, Math.ceil(Math.hypot(x - from.x, y - from.y) / this.radius));
    for (let step = 1; step <= steps; step += 1) {
      const along = step / steps;
      this.dot(from.x + (x - from.x) * along, from.y + (y - from.y) * along);
    }
    this.last = { x, y };
    this.changed();
  }

  dot(x, y) {
    const context = this.mask.getContext("2d");
    context.beginPath();
    context.arc(x, y, this.radius, 0, 2 * Math.PI);
    context.fill();
  }

  fill(x, y, width, height) {
    const { mask } = this;
    mask.getContext("2d").fillRect(x * mask.width, y * mask.height, width * mask.width, height * mask.height);
    this.changed();
  }

  clear() {
    this.mask.getContext("2d").clearRect(0, 0, this.mask.width, this.mask.height);
    this.painted = false;
    this.draw();
    this.onchange();
  }

  changed() {
    this.painted = true;
    this.draw();
    this.onchange();
  }

  key(event) {
    const step = Math.max(1, this.radius);
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    const { cursor, mask } = this;
    cursor.seen = true;
    if (move) {
      cursor.x = Math.min(mask.width, Math.max(0, cursor.x + move[0] * step));
      cursor.y = Math.min(mask.height, Math.max(0, cursor.y + move[1] * step));
      this.draw();
    } else {
      this.dot(cursor.x, cursor.y);
      this.changed();
    }
  }

  draw() {
    if (!this.picture) return;
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    context.imageSmoothingEnabled = this.scale === 1;
    context.globalAlpha = 1;
    context.clearRect(0, 0, width, height);
    context.drawImage(this.picture, 0, 0, width, height);
    context.globalAlpha = 0.75;
    context.drawImage(this.tinted(), 0, 0, width, height);
    if (this.cursor.seen) {
      context.globalAlpha = 1;
      context.strokeStyle = "#ff2e88";
      context.lineWidth = 2;
      context.beginPath();
      context.arc(this.cursor.x * this.scale, this.cursor.y * this.scale, this.radius * this.scale, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  tinted() {
    const { width, height } = this.mask;
    const tint = Object.assign(document.createElement("canvas"), { width, height });
    const context = tint.getContext("2d");
    context.drawImage(this.mask, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = "#ff2e88";
    context.fillRect(0, 0, width, height);
    return tint;
  }

  // A PNG of the picture's size that is transparent where something is to be made.
  png() {
    const { width, height } = this.mask;
    const out = Object.assign(document.createElement("canvas"), { width, height });
    const context = out.getContext("2d");
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = "destination-out";
    context.drawImage(this.mask, 0, 0);
    return new Promise((resolve) => { out.toBlob(resolve, "image/png"); });
  }
}
