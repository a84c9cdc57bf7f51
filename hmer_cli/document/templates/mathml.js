// What is typed -> MathML, as expr/to_mathml.py writes it for what was read; `grammar` is the same
// table of tokens. TeX's rarer ways of saying a thing are left to hmer, which reads them all.
"use strict";

function Typeset(grammar) {
  const set = Object.fromEntries(
    ["stacks", "operators", "stacking", "integrals", "covers", "fonts", "placers", "silent", "sizes",
     "upright", "tall", "tight", "signed", "big", "opening", "closing", "under", "braces", "wide",
     "raising"]
      .map((name) => [name, new Set(grammar[name])]));
  const words = new Set(grammar.words);
  const LEX = new RegExp(
    String.raw`\\(begin|end)\s*\{\s*([A-Za-z]+\*?)\s*\}(?:\s*\{[lcr|\s]+\})?|\\[A-Za-z]+|\\.|%[^\n]*|` +
    `[A-Za-z]+|${grammar.scripts}|\\S`, "gsu");
  const OPTIONS = /(\\begin\s*\{\s*(?:aligned|gathered|split|multlined)\s*\})\s*\[[tbc]\]|(\\begin\s*\{\s*alignedat\s*\})(?:\s*\[[tbc]\])?\s*\{\s*\d\s*\}|(\\operatorname)\s*\*|(\\cfrac|\\smash)\s*\[[a-z\s]*\]/g;
  const BOLD_ONE = /\\mathbf\s*(?:\{\s*1\s*\}|1)/g;  // printed so, and written with a double stroke
  const SCRIPTS = new RegExp(`^${grammar.scripts}$`, "u");
  const BARS = new Set(["|", "\\|"]);
  const RELATIONS = ["above", "inside", "below", "cells", "sub", "sup"];

  class Fault extends Error {}

  /** The tokens of typed LaTeX, in the spelling of labels. */
  function tokens(source) {
    const found = [];
    for (const [text, edge, name] of source.replace(BOLD_ONE, "\\mathbb{1}").replace(OPTIONS, "$1$2$3$4").matchAll(LEX)) {
      if (text === "\\" || text.startsWith("%")) continue;
      if (edge) found.push(...environment(edge, name));
      else if (SCRIPTS.test(text)) found.push(...joined(text));
      else if (/^[A-Za-z]{2,}$/.test(text)) found.push(...(words.has(text) ? ["\\" + text] : text));
      else if (text === "\\dots") found.push(text);
      else if (text in grammar.synonyms) found.push(...grammar.synonyms[text].split(" "));
      else if (!set.silent.has(text) && !set.upright.has(text)) found.push(text);
    }
    return primed(sized(found).map(dotted));
  }

  /** Dots stand as high as an operator or relation that follows them. */
  const dotted = (token, i, all) =>
    token !== "\\dots" ? token : set.raising.has(all[i + 1]) ? "\\cdots" : "\\ldots";

  /** Neighbouring superscripts and subscripts, as one script of each kind. */
  function joined(run) {
    const scripts = { _: [], "^": [] };
    for (const character of run) {
      const [sign, ...inner] = grammar.synonyms[character].split(" ");
      scripts[sign].push(...inner.slice(1, -1));
    }
    return Object.entries(scripts).flatMap(([sign, inner]) => (inner.length ? [sign, "{", ...inner, "}"] : []));
  }

  function environment(edge, name) {
    const grid = name in grammar.environments ? grammar.environments[name] : name;
    return grid ? [`\\${edge}{${grid}}`] : [];
  }

  /** Without \left and its kin, whose < and > are angles, and whose point is no bracket. */
  function sized(found) {
    const brackets = { "<": "\\langle", ">": "\\rangle", ".": "" };
    return found.map((token, i) => (set.sizes.has(found[i - 1]) ? brackets[token] ?? token : token))
      .filter((token) => token && !set.sizes.has(token));
  }

  /** x'' and x^{''} are x ^ { \prime \prime }, and x'^2 is x ^ { \prime 2 }. */
  function primed(found) {
    const out = [];
    for (let i = 0; i < found.length; i++) {
      if (found[i] !== "'") { out.push(found[i]); continue; }
      const before = out.at(-1), primes = ["\\prime"];
      while (found[i + 1] === "'") { primes.push("\\prime"); i++; }
      if (before === "{" && /^[_^]$/.test(out.findLast((token) => token !== "{"))) out.push(...primes);
      else if (/^[_^]$/.test(before)) out.push("{", ...primes, "}");
      else {
        out.push("^", "{", ...primes);
        if (found[i + 1] === "^" && found[i + 2] === "{") i += 2;  // its own brace closes it
        else if (found[i + 1] === "^" && i + 2 < found.length) out.push(found[i += 2], "}");
        else out.push("}");
      }
    }
    return out;
  }

  /** The symbol layout tree, by the rules of expr/parser.py. Throws Fault. */
  function parse(list) {
    let at = 0, depth = 0;
    const next = () => list[at] ?? "";
    const fail = (message, where = at) => {
      const token = list[where];
      throw new Fault(`${token === undefined ? "at the end" : `at ${token}`}: ${message}`);
    };
    const ends = (token) =>
      ["", "}", "&", "\\\\", "\\limits"].includes(token) || token.startsWith("\\end{");

    function row(end) {
      if (++depth > grammar.depth) fail("nested too deep");
      const nodes = [];
      let scripts = new Set(), limits = false, last = "";
      while (next() && next() !== end && !ends(next())) {
        const token = next();
        if (token === "_" || token === "^") {
          if (scripts.has(token)) fail(`double ${token === "_" ? "subscript" : "superscript"}`);
          scripts.add(token);
          at++;
          const script = argument(token);
          if (script.length) {
            if (!nodes.length) nodes.push({ symbol: "" });
            const base = nodes.at(-1);
            const stacked = set.stacking.has(base.symbol) || (limits && !set.integrals.has(base.symbol));
            const where = stacked ? (token === "_" ? "below" : "above") : token === "_" ? "sub" : "sup";
            base[where] = [...(base[where] ?? []), ...script];
          }
          last = "";
        } else {
          nodes.push(...atom());
          scripts = new Set();
          limits = false;
          last = token;
          while (next() === "\\limits" && set.operators.has(last)) { at++; limits = true; }
        }
      }
      if (next() === "\\limits") fail("must follow an operator such as \\sum");
      depth--;
      return nodes;
    }

    function group() {
      const begin = at++;
      const inner = row();
      if (next() !== "}") fail("no } closes it", begin);
      at++;
      return inner;
    }

    function argument(owner) {
      if (next() === "{") return group();
      if (ends(next()) || next() === "_" || next() === "^") fail("{ expected after it", at - 1);
      return atom();
    }

    function atom() {
      const begin = at, token = next();
      if (token === "{") return group();
      at++;
      if (set.stacks.has(token)) {
        const above = argument(token), below = argument(token);
        return [{ symbol: token, above, below, at: begin }];
      }
      if (token === "\\sqrt") {
        let above = [];
        if (next() === "[") {
          const open = at++;
          above = row("]");
          if (next() !== "]") fail("no ] closes it", open);
          at++;
        }
        return [{ symbol: token, above, inside: argument(token), at: begin }];
      }
      if (set.covers.has(token)) return [{ symbol: token, inside: argument(token), at: begin }];
      if (set.fonts.has(token)) {
        return argument(token).map((node) =>
          /^[A-Za-z0-9]$/.test(node.symbol) ? { ...node, symbol: `${token} { ${node.symbol} }` } : node);
      }
      if (set.placers.has(token)) {
        const where = token === "\\overset" ? "above" : "below";
        const script = argument(token), base = argument(token);
        if (!base.length) fail("has nothing to stand on", begin);
        return script.length ? placed(base, where, script) : base;
      }
      if (token.startsWith("\\begin{")) return [{ symbol: token, cells: cells(token, begin), at: begin }];
      if (!(token in grammar.glyphs)) fail("not a sign that hmer knows", begin);
      return [{ symbol: token, at: begin }];
    }

    /** The base with a row over or under it; what a label cannot say is one group here. */
    function placed(base, where, script) {
      const last = base.at(-1), there = last[where] ?? [];
      const named = set.stacking.has(last.symbol) && base.slice(0, -1).every((node) =>
        node.symbol === "\\arg" && !RELATIONS.some((name) => has(node[name])));
      if ((base.length > 1 && !named) || set.stacks.has(last.symbol) || last.symbol === "\\sqrt") {
        return [{ symbol: "", inside: base, [where]: script }];
      }
      const row = there.length ? placed(there, where, script) : script;
      return [...base.slice(0, -1), { ...last, [where]: row }];
    }

    function cells(token, begin) {
      if (!grammar.grids.includes(token.slice(7, -1))) fail("not an environment that hmer knows", begin);
      const rows = [[row()]];
      while (next() === "&" || next() === "\\\\") {
        if (list[at++] === "\\\\") rows.push([]);
        rows.at(-1).push(row());
      }
      if (next() !== token.replace("begin", "end")) fail(`no ${token.replace("begin", "end")} closes it`, begin);
      at++;
      while (rows.length > 1 && rows.at(-1).length === 1 && !rows.at(-1)[0].length) rows.pop();
      return rows;
    }

    const tree = row();
    if (at < list.length) fail(["&", "\\\\"].includes(next()) ? "stands in no matrix" : "closes nothing");
    return tree;
  }

  const has = (rows) => rows !== undefined && rows.length > 0;
  const kind = (node) => (grammar.glyphs[node.symbol] ?? ["", ""])[0];
  const named = (node) => set.operators.has(node.symbol) && !set.big.has(node.symbol);
  const tall = (node) =>
    set.stacks.has(node.symbol) || set.big.has(node.symbol) || has(node.cells) || has(node.above) ||
    has(node.below) || (node.inside ?? []).some(tall);
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const element = (tag, at, content, attributes = "") =>
    `<${tag}${attributes}${at === undefined ? "" : ` data-t="${at}"`}>${content}</${tag}>`;

  function row(tree = []) {
    const all = parts(tree);
    return all.length === 1 ? all[0] : element("mrow", undefined, all.join(""));
  }

  function parts(tree) {
    const pairs = bracketed(tree), growing = new Set(), starts = [], out = [];
    const ending = operandEnds(tree, pairs);
    for (const [j, i] of [...pairs, ...barred(tree, pairs)]) {
      if (!tree.slice(i + 1, j).some(tall)) continue;
      growing.add(i).add(j);
      pairs.set(j, i);
    }
    tree.forEach((node, i) => {
      const previous = tree[i - 1];
      const follows = i > 0 && ending[i - 1];
      if (previous && spaced(previous, node, follows)) out.push('<mspace width="0.167em"></mspace>');
      starts[i] = out.length;
      let shown = sign(node, growing.has(i) ? "" : attributes(node, follows));
      if (pairs.has(i)) {
        shown = element("mrow", undefined, out.splice(starts[pairs.get(i)]).join("") + shown);
      }
      out.push(dressed(node, shown));
    });
    return out;
  }

  function bracketed(tree) {
    const pairs = new Map(), waiting = [];
    tree.forEach((node, i) => {
      if (set.opening.has(node.symbol) && !RELATIONS.some((name) => has(node[name]))) waiting.push(i);
      else if (set.closing.has(node.symbol) && waiting.length) {
        const opening = waiting.pop();
        if (!has(node.above) && !has(node.below)) pairs.set(i, opening);
      }
    });
    return pairs;
  }

  /** Closing and opening bars, by the rules of expr/bracket_pairs.py. */
  function barred(tree, pairs) {
    const bars = [...tree.keys()].filter((i) => BARS.has(tree[i].symbol)), found = [];
    for (let k = 0; k < bars.length && bars.length % 2 === 0; k += 2) {
      const [i, j] = bars.slice(k, k + 2);
      const apart = [...pairs].some(([close, open]) => (open < i && i < close) !== (open < j && j < close));
      const scripted = RELATIONS.some((name) => has(tree[i][name])) || has(tree[j].above) || has(tree[j].below);
      if (!apart && !scripted) found.push([j, i]);
    }
    return found;
  }

  /** Whether each sign can end an operand, by the rules of expr/bracket_pairs.py. */
  function operandEnds(tree, pairs) {
    const found = [], paired = new Set(pairs.values()), waiting = [[]];
    tree.forEach((node, i) => {
      const operand = i > 0 && found[i - 1], bars = waiting.at(-1);
      if (BARS.has(node.symbol)) {
        const closing = operand && bars.includes(node.symbol), scripted = has(node.sub) || has(node.sup);
        if (closing) while (bars.pop() !== node.symbol);
        else if (!scripted) bars.push(node.symbol);
        found.push(closing || scripted);
      } else if (set.opening.has(node.symbol)) {
        if (paired.has(i)) waiting.push([]);
        else if (node.symbol === "\\langle") bars.push("|");
        found.push(false);
      } else if (set.closing.has(node.symbol)) {
        if (pairs.has(i)) waiting.pop();
        found.push(pairs.has(i) || operand);
      } else found.push(node.symbol === "!" || kind(node) !== "mo");
    });
    return found;
  }

  function spaced(left, right, follows) {
    if (named(left)) return kind(right) !== "mo" || set.big.has(right.symbol);
    return named(right) && follows;
  }

  function attributes(node, follows) {
    if (kind(node) !== "mo") return "";
    const glyph = grammar.glyphs[node.symbol][1];
    if (set.big.has(node.symbol)) {
      return has(node.above) || has(node.below) ? ' movablelimits="false"' : "";
    }
    if (set.signed.has(node.symbol)) return follows ? "" : ' form="prefix"';
    const bracket = set.opening.has(node.symbol) || set.closing.has(node.symbol);
    return (set.tall.has(glyph) || bracket ? ' stretchy="false"' : "") +
      (set.tight.has(glyph) ? ' lspace="0" rspace="0"' : "");
  }

  function leaf(node, extra) {
    let [tag, glyph] = grammar.glyphs[node.symbol] ?? ["mtext", node.symbol];
    if (tag === "up") {
      tag = "mi";
      extra = [...glyph].length === 1 ? ' mathvariant="normal"' : "";
    }
    return element(tag, node.at, escaped(glyph), extra);
  }

  function sign(node, extra) {
    if (!node.symbol) return has(node.inside) ? row(node.inside) : "<mrow></mrow>";
    if (set.stacks.has(node.symbol)) {
      const halves = row(node.above) + row(node.below);
      if (node.symbol === "\\frac") return element("mfrac", node.at, halves);
      const fraction = element("mfrac", node.at, halves, ' linethickness="0"');
      return element("mrow", undefined, `<mo>(</mo>${fraction}<mo>)</mo>`);
    }
    if (node.symbol === "\\sqrt") {
      return has(node.above)
        ? element("mroot", node.at, row(node.inside) + row(node.above))
        : element("msqrt", node.at, row(node.inside));
    }
    if (set.covers.has(node.symbol)) {
      const under = set.under.has(node.symbol);
      const mark = element("mo", node.at, grammar.accents[node.symbol], ` stretchy="${set.wide.has(node.symbol)}"`);
      return element(under ? "munder" : "mover", undefined, row(node.inside) + mark,
        ` class="${node.symbol.slice(1)}" accent${under ? "under" : ""}="true"`);
    }
    return node.cells ? grid(node) : leaf(node, extra);
  }

  function grid(node) {
    const name = node.symbol.slice(7, -1);
    const cell = (tree) => element("mtd", undefined, parts(tree).join(""));
    const rows = node.cells.map((cells) => element("mtr", undefined, cells.map(cell).join("")));
    const table = element("mtable", node.at, rows.join(""), ` class="${name}"`);
    const fences = [...(grammar.fences[name] ?? "")].map((fence) => (fence === " " ? "" : `<mo>${fence}</mo>`));
    return fences.length ? element("mrow", undefined, fences.join(table)) : table;
  }

  function dressed(node, base) {
    if (!set.stacks.has(node.symbol) && node.symbol !== "\\sqrt") {
      base = scripted("munder", "mover", base, node.below, node.above);
    }
    if (set.braces.has(node.symbol)) return scripted("munder", "mover", base, node.sub, node.sup);
    return scripted("msub", "msup", base, node.sub, node.sup);
  }

  function scripted(under, over, base, low, high) {
    if (!has(low) && !has(high)) return base;
    const tag = has(low) && has(high) ? under + over.slice(1) : has(low) ? under : over;
    return element(tag, undefined, base + [low, high].filter(has).map(row).join(""));
  }

  /** { tokens, math } of typed LaTeX, or { tokens, fault }: what is wrong with it, and where. */
  return function typeset(source) {
    const list = tokens(source);
    try {
      return { tokens: list, math: `<math display="block">${row(parse(list))}</math>` };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return { tokens: list, fault: error.message };
    }
  };
}
