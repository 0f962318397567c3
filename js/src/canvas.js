// The drawn graph: sigma on a stage. It is created when the stage has a size and is visible, and ended when it is not,
// so that a page has no more WebGL contexts than visible stages.
import { MultiDirectedGraph } from "graphology";
import Sigma from "sigma";
import { createEdgeArrowProgram, EdgeRectangleProgram } from "sigma/rendering";
import { createEdgeCurveProgram } from "@sigma/edge-curve";
import { createNodeBorderProgram } from "@sigma/node-border";
import { mixColors } from "./neuron_search.js";

const LARGEST = 13;
const CROWD = 140;
const HEAD = { lengthToThicknessRatio: 3.2, widenessToThicknessRatio: 2.6 };
const ARROW = createEdgeArrowProgram(HEAD);
const CURVED = createEdgeCurveProgram({ arrowHead: { extremity: "target", ...HEAD } });
const DISC = createNodeBorderProgram({
  borders: [
    { size: { attribute: "rim", defaultValue: 1, mode: "pixels" }, color: { attribute: "rimColor" } },
    { size: { fill: true }, color: { attribute: "color" } },
  ],
});

// The theme's colours as the browser computes them: text, background and highlights.
export function themeColors(root) {
  const probe = root.appendChild(document.createElement("span"));
  const read = (value) => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const paper = read("var(--jp-layout-color1, #fff)");
  const ink = mixColors(paper, read("var(--jp-ui-font-color1, #212121)"), 1);
  probe.remove();
  const isDark = parseInt(mixColors(paper, ink, 0).slice(3, 5), 16) < 128;
  return { paper: mixColors(paper, ink, 0), ink, sent: isDark ? "#56b4e9" : "#0072b2", received: isDark ? "#f0a868" : "#d55e00", gap: "#cc79a7" };
}

function build(part) {
  const graph = new MultiDirectedGraph();
  const scale = LARGEST * Math.min(1, Math.sqrt(CROWD / part.ids.length));
  part.ids.forEach((id, place) => graph.addNode(id, { place, x: part.x[place], y: part.y[place], label: part.names[place], scale }));
  const { pre, post, count, junction } = part.lines;
  const returned = new Set(pre.map((from, number) => (junction[number] ? "" : `${from} ${post[number]}`)));
  const most = Math.max(1e-9, ...count);
  for (let number = count.length - 1; number >= 0; number--) {
    const share = Math.max(0, count[number]) / most;
    const type = junction[number] ? "line" : returned.has(`${post[number]} ${pre[number]}`) ? "curved" : "arrow";
    graph.addEdge(part.ids[pre[number]], part.ids[post[number]], {
      ...{ type, share, from: pre[number], to: post[number], junction: junction[number] },
      ...{ size: (junction[number] ? 1.6 : 0.8) + 4.2 * share, curvature: 0.16, zIndex: 0 },
    });
  }
  return graph;
}

const LONGEST = 14;

// Shortens a label: an id keeps its end, a name keeps its beginning.
function short(text) {
  if (text.length <= LONGEST) return text;
  return /^\d+$/.test(text) ? `…${text.slice(-8)}` : `${text.slice(0, LONGEST - 1)}…`;
}

// Draws a name below its neuron, unless it overlaps one of ``taken``, the areas of the names drawn so far.
function label(context, data, settings, theme, taken) {
  if (!data.label) return;
  const text = data.strong ? data.label : short(data.label);
  context.font = `${data.strong ? "600 " : ""}${settings.labelSize}px ${settings.labelFont}`;
  const half = context.measureText(text).width / 2;
  const x = Math.max(half + 2, Math.min(data.x, context.canvas.clientWidth - half - 2));
  const y = data.y + data.size + settings.labelSize;
  const isCovered = taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < settings.labelSize);
  if (isCovered && !data.strong) return;
  taken.push({ x, y, half });
  context.textAlign = "center";
  context.lineJoin = "round";
  context.lineWidth = 3.5;
  context.strokeStyle = theme.paper;
  context.fillStyle = theme.ink;
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

// Draws a sub-network on a stage. ``look`` returns the current colour and radius of every neuron, the selected neurons
// and the one in focus; ``heard`` is called for pointer movements and clicks.
export function createCanvas(stage, part, look, heard) {
  const graph = build(part);
  const near = part.ids.map(() => new Set());
  part.lines.pre.forEach((pre, number) => {
    near[pre].add(part.lines.post[number]);
    near[part.lines.post[number]].add(pre);
  });
  let [sigma, inSight, camera, theme] = [null, false, null, null];

  const lit = () => {
    const { focus, selected } = look();
    const centres = focus === null ? selected : [focus];
    return { centres: new Set(centres), around: new Set(centres.flatMap((place) => [...near[place]])), hard: focus !== null };
  };
  let [now, fit] = [lit(), 1];
  const fitted = () => (fit = Math.min(1, Math.max(0.4, Math.min(stage.clientWidth / 640, stage.clientHeight / 400))));

  const node = (_, data) => {
    const { color, radius, selected, focus } = look();
    const [chosen, here] = [selected.includes(data.place), data.place === focus];
    const dim = now.centres.size && !now.centres.has(data.place) && !now.around.has(data.place);
    const told = now.centres.size && now.hard && now.around.has(data.place);
    return {
      ...data,
      size: data.scale * fit * radius[data.place],
      color: dim ? mixColors(theme.paper, color[data.place], now.hard ? 0.22 : 0.45) : color[data.place],
      rim: chosen ? 3 : here ? 2 : 1,
      rimColor: chosen || here ? theme.ink : theme.paper,
      label: dim && now.hard ? "" : data.label,
      strong: chosen || here,
      forceLabel: chosen || here || (told && now.around.size <= 12),
      zIndex: here ? 3 : chosen ? 2 : dim ? 0 : 1,
      highlighted: here,
    };
  };
  const edge = (_, data) => {
    const strength = 0.2 + 0.55 * data.share ** 0.6;
    const plain = mixColors(theme.paper, data.junction ? theme.gap : theme.ink, data.junction ? 0.8 : strength);
    if (!now.centres.size) return { ...data, color: plain };
    const [sends, receives] = [now.centres.has(data.from), now.centres.has(data.to)];
    if (!sends && !receives) return { ...data, color: mixColors(theme.paper, plain, now.hard ? 0.18 : 0.35), zIndex: 0 };
    const color = data.junction ? theme.gap : sends ? theme.sent : theme.received;
    return { ...data, color: mixColors(theme.paper, color, 0.45 + 0.55 * data.share), zIndex: 1, size: data.size + 0.4 };
  };

  const start = () => {
    const taken = [];
    theme = themeColors(stage);
    fitted();
    sigma = new Sigma(graph, stage, {
      ...{ nodeReducer: node, edgeReducer: edge, zIndex: true, stagePadding: 26, allowInvalidContainer: true },
      ...{ defaultNodeType: "disc", defaultEdgeType: "arrow", minCameraRatio: 0.05, maxCameraRatio: 4 },
      nodeProgramClasses: { disc: DISC },
      nodeHoverProgramClasses: { disc: DISC },
      edgeProgramClasses: { arrow: ARROW, curved: CURVED, line: EdgeRectangleProgram },
      ...{ labelSize: 11, labelFont: getComputedStyle(stage).fontFamily, labelDensity: 1.4, labelGridCellSize: 70 },
      ...{ labelRenderedSizeThreshold: 3, minEdgeThickness: 0.7 },
      defaultDrawNodeLabel: (context, data, settings) => label(context, data, settings, theme, taken),
      defaultDrawNodeHover: (context, data, settings) => label(context, data, settings, theme, []),
    });
    sigma.on("beforeRender", () => (taken.length = 0));
    if (camera) sigma.getCamera().setState(camera);
    sigma.on("enterNode", ({ node: id }) => heard.points(graph.getNodeAttribute(id, "place")));
    sigma.on("leaveNode", () => heard.points(null));
    sigma.on("clickNode", ({ node: id, event }) => heard.clicks(graph.getNodeAttribute(id, "place"), adds(event.original)));
    sigma.on("clickStage", ({ event }) => heard.clicks(null, adds(event.original)));
    stage.dataset.drawn = "yes";
  };
  const stop = () => {
    if (!sigma) return;
    camera = { ...sigma.getCamera().getState() };
    sigma.kill();
    sigma = null;
    delete stage.dataset.drawn;
  };
  const isSized = () => stage.clientWidth > 0 && stage.clientHeight > 0;
  // Sigma measures the stage whenever it draws, so it must not draw while the page hides the stage.
  const refresh = () => sigma && isSized() && fitted() && sigma.refresh({ skipIndexation: true });
  const settle = () => {
    if (!inSight || !isSized()) stop();
    else if (sigma) refresh();
    else start();
  };
  const sized = new ResizeObserver(settle);
  const sighted = new IntersectionObserver(([entry]) => {
    inSight = entry.isIntersecting;
    settle();
  }, { rootMargin: "200px" });
  sized.observe(stage);
  sighted.observe(stage);
  const themed = new MutationObserver(() =>
    requestAnimationFrame(() => {
      if (!sigma || !isSized()) return;
      theme = themeColors(stage);
      refresh();
    }),
  );
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });

  return {
    redraw() {
      now = lit();
      refresh();
    },
    zoom(times) {
      const view = sigma?.getCamera();
      view?.animate({ ratio: Math.min(4, Math.max(0.05, view.getState().ratio * times)) }, { duration: 150 });
    },
    fit: () => sigma?.getCamera().animate({ x: 0.5, y: 0.5, ratio: 1, angle: 0 }, { duration: 250 }),
    // Moves the picture only if the neuron is outside of it.
    show(place) {
      if (!sigma) return;
      const at = sigma.framedGraphToViewport(sigma.getNodeDisplayData(part.ids[place]));
      const { width, height } = sigma.getDimensions();
      const isInside = at.x > 20 && at.y > 20 && at.x < width - 20 && at.y < height - 30;
      if (isInside) return;
      const { x, y } = sigma.getNodeDisplayData(part.ids[place]);
      sigma.getCamera().animate({ x, y }, { duration: 250 });
    },
    where: (place) => (sigma ? sigma.framedGraphToViewport(sigma.getNodeDisplayData(part.ids[place])) : null),
    end() {
      for (const observer of [sized, sighted, themed]) observer.disconnect();
      stop();
    },
  };
}

const adds = (event) => event.shiftKey || event.ctrlKey || event.metaKey;
