// Which typed LaTeX convert will take: the rules of expr/typed.py, by the same tables.
"use strict";

function Sound(table) {
  const set = Object.fromEntries(
    ["starred", "once", "limited", "scripts", "bare", "delimiters", "text", "letters", "inkless", "hiding",
     "positioned"]
      .map((n) => [n, new Set(table[n])]));
  const of = (name, key) => (Object.hasOwn(table[name], key) ? table[name][key] : undefined);
  const TOKEN = /\\[A-Za-z]+|\\[\s\S]|'+\^?|[^ \t\r\n]/gu;
  const GLUE = new RegExp(`^(?:${table.glue})$`, "u");
  const BLANKS = new RegExp(table.blanks, "gu"), UNSEEN = new RegExp(table.unseen, "gu");
  const SCRIPTS = new RegExp(table.script_run, "gu"), FACED = new RegExp(table.faced, "g");
  const GROUPING = /\\[\s\S]|[√∛∜]\s*\(|[(){}]/gu;
  const WRAPPED = /^(?:(\$\$?)([^$]*)\1|\\\(([\s\S]*)\\\)|\\\[([\s\S]*)\\\])$/u;
  const ENVIRONMENT = /\\(begin|end)[ \t\r\n]*\{[ \t\r\n]*([A-Za-z]+)[ \t\r\n]*(?:(\*)[ \t\r\n]*)?\}/gu;
  const LIMITS = ["\\limits", "\\nolimits", "\\displaylimits"];
  const INFIX = ["\\over", "\\choose", "\\atop"];
  const ENDS = ["}", "\\end", "\\right", "\\middle", "$"];

  const IN_BRACES = "put it in braces, or LaTeX takes it for a length or a star";

  class Fault extends Error {}

  /** Neighbouring superscripts and subscripts, as one script of each kind. */
  function joined(run) {
    const scripts = { _: "", "^": "" };
    for (const [sign, ...inner] of [...run].map((c) => table.replaced[c])) {
      const text = inner.slice(1, -1).join("");
      const gap = /\\[A-Za-z]+$/.test(scripts[sign]) && /^[A-Za-z]/.test(text);
      scripts[sign] += gap ? ` ${text}` : text;
    }
    return Object.entries(scripts).map(([sign, inner]) => (inner ? `${sign}{${inner}}` : "")).join("");
  }

  /** The text with the brackets behind a root sign of Unicode as the braces of its argument. */
  function groupedRoots(text) {
    const out = text.split(""), waiting = [];
    for (const { 0: found, index } of text.matchAll(GROUPING)) {
      const last = found.at(-1), at = index + found.length - 1;
      if (found[0] === "\\") continue;
      if (last === "(" || last === "{") {
        waiting.push([last, at, found.length > 1]);
        continue;
      }
      while (last === "}" && waiting.length && waiting.at(-1)[0] !== "{") waiting.pop();
      if (!waiting.length || waiting.at(-1)[0] !== (last === ")" ? "(" : "{")) continue;
      const [, opening, ofRoot] = waiting.pop();
      if (ofRoot) [out[opening], out[index]] = ["{", "}"];
    }
    return out.join("");
  }

  /** Without dollars round it; what LaTeX does not know is spelt in its way. */
  function asFormula(typed) {
    const plain = typed.replace(/\r\n?/g, "\n").replace(UNSEEN, "").replace(BLANKS, " ").trim();
    const found = WRAPPED.exec(plain);
    const inner = found ? found[2] || found[3] || found[4] || "" : plain;
    return groupedRoots(inner.trim()).replace(SCRIPTS, joined).replace(TOKEN, replaced)
      .replace(FACED, printed).replace(ENVIRONMENT, "\\$1{$2$3}");
  }

  /** What replaces a token for LaTeX, parted from a letter that follows. */
  function replaced(token, at, whole) {
    const found = of("replaced", token) ?? token;
    const gap = found !== token && /\\[A-Za-z]+$/.test(found) && /^[A-Za-z]/.test(whole.slice(at + token.length));
    return gap ? `${found} ` : found;
  }

  /** What prints a letter in a font that LaTeX lacks there. */
  function printed(found, braced, bare, at, whole) {
    const spelt = table.instead[`\\mathbb { ${braced ?? bare} }`];
    const gap = !spelt.endsWith("}") && /^[A-Za-z]/.test(whole.slice(at + found.length));
    return gap ? `${spelt} ` : spelt;
  }

  function check(tokens) {
    let at = 0, depth = 0, font = "", display = false, inside = false, oneNumber = false;
    let numbering = new Set();  // of the line
    const next = () => tokens[at] ?? "";
    const take = () => tokens[at++] ?? "";
    const fail = (message, where = at) => new Fault(where >= tokens.length
      ? `at the end: ${message}` : `token ${where + 1} (${tokens[where]}): ${message}`);

    function close(end, begin) {
      if (next() !== end) throw fail(`no ${end} closes it`, begin);
      at++;
    }

    function row(ends, columns = null) {
      if (++depth > table.depth) throw fail("nested too deep");
      const outer = font;
      if (columns || ends.includes("$")) font = "";  // a formula of its own
      let seen = new Set(), last = "", cells = 1, split = false;
      while (!ends.includes(next())) {
        const token = next(), begin = at;
        if (token === "&" || token === "\\\\") {
          cells = cell(token, columns, cells);
          seen = new Set();
          last = "";
          split = false;
        } else if (token === "^" || token === "_" || token.startsWith("'")) {
          script(token, seen);
          last = token;
        } else if (LIMITS.includes(token)) {
          if (!set.limited.has(last)) throw fail("must follow an operator such as \\sum");
          at++;
        } else if (token === "\\middle" && ends.includes("\\right")) {
          at++;
          delimiter(begin);
        } else if (token === "\\hline" && columns && last === "" && cells === 1) at++;
        else if (token === "" || ENDS.includes(token)) {
          if (depth === 1) throw fail("closes nothing");
          break;
        } else {
          if (INFIX.includes(token) && split) throw fail("stands twice in one group");
          split ||= INFIX.includes(token);
          atom(begin);
          seen = new Set();
          last = token;
        }
      }
      font = outer;
      depth--;
    }

    function cell(token, columns, cells) {
      if (columns === null) throw fail("stands in no matrix");
      if (token === "&" && cells >= columns) throw fail(`more than ${columns} columns`);
      at++;
      font = "";
      if (token === "\\\\" && !(inside || oneNumber)) numbering = new Set();
      if (token === "\\\\" && (next() === "[" || next() === "*")) {
        throw fail(IN_BRACES);
      }
      return token === "&" ? cells + 1 : 1;
    }

    function script(token, seen) {
      const sign = token[0] === "'" ? "^" : token;
      if (seen.has(sign)) throw fail(`double ${sign === "_" ? "subscript" : "superscript"}`);
      seen.add(sign);
      const begin = at++;
      if (token.at(-1) !== "'") argument(begin);
    }

    function argument(owner) {
      const token = next();
      if (token !== "{") {
        const script = "^_".includes(tokens[owner].at(-1)) && set.scripts.has(token);
        const character = [...token].length === 1 && !"&^_'}$~".includes(token);
        if (!script && !character && !set.bare.has(token)) throw fail("{ expected after it", owner);
      }
      atom(at);
    }

    function atom(begin) {
      const token = take();
      if (of("misprinted", font)?.includes(token)) {
        throw fail(`LaTeX prints another sign for it in ${font}, so put it outside`, begin);
      }
      if (token === "{") {
        row(["}"]);
        close("}", begin);
      } else if (token === "\\left") {
        delimiter(begin);
        row(["\\right"]);
        close("\\right", begin);
        delimiter(at - 1);
      } else if (token === "\\begin") environment(begin);
      else if ([...token].length === 1) {
        if (token === "%") throw fail("begins a comment; write \\%", begin);
        if ("#\\".includes(token) || !/^[!-~]$/.test(token)) throw fail("cannot stand in a formula", begin);
      } else command(token, begin);
    }

    function command(token, begin) {
      const signature = of("commands", token) ?? (display ? of("numbering", token) : undefined);
      if (signature === undefined) throw fail("not a command that hmer knows", begin);
      if (token === "\\tag" && inside) throw fail("cannot stand inside another environment", begin);
      if (set.once.has(token) && numbering.has(token)) throw fail("stands twice in one line", begin);
      numbering.add(token);
      if (set.starred.has(token) && next() === "*") at++;
      const outer = font;
      if (of("misprinted", token)) font = token;
      for (const kind of signature) {
        if (kind === "m") argument(begin);
        else if (kind === "d") delimiter(begin);
        else if (kind === "t") text(begin);
        else if (kind === "w") word(begin);
        else if (kind === "l") length(begin);
        else if (kind === "s") lines(begin);
        else if (kind === "p") position(begin);
        else if (next() === "[") {
          at++;
          row(["]"]);
          close("]", begin);
        }
      }
      if (!table.switches.includes(token)) font = outer;
    }

    function delimiter(begin) {
      if (!set.delimiters.has(next())) throw fail("bracket expected after it", begin);
      at++;
    }

    function open(begin) {
      if (take() !== "{") throw fail("{ expected after it", begin);
    }

    function word(begin) {
      open(begin);
      let found = "";
      while (/^[A-Za-z0-9.,:*!+|-]$/.test(next())) found += take();
      close("}", begin);
      return found;
    }

    function length(begin) {
      if (!GLUE.test(word(begin))) throw fail("length expected after it, such as {2pt}", begin);
    }

    function position(begin) {
      if (next() !== "[") return;
      at++;
      while (["b", "c", "l", "r", "t"].includes(next())) at++;
      close("]", begin);
    }

    function lines(begin) {
      const outer = inside;
      open(begin);
      inside = true;
      row(["}"], 1);
      close("}", begin);
      inside = outer;
    }

    function text(begin) {
      open(begin);
      for (let deep = 1; deep;) {
        const here = at, token = take();
        deep += (token === "{") - (token === "}");
        if (token === "") throw fail("no } closes it", begin);
        if (token === "$") {
          row(["$"]);
          close("$", here);
        } else if (token.startsWith("\\")) {
          if (!set.text.has(token)) throw fail("not a command for text", here);
        } else if ("^_&#%".includes(token.at(-1)) || !(/^[!-~]/.test(token) || set.letters.has(token))) {
          throw fail("cannot stand in text", here);
        }
      }
    }

    function environment(begin) {
      const name = word(begin), own = of("displays", name);
      let columns = of("environments", name) ?? own;
      if (columns === undefined) throw fail(`${name} is no environment that hmer knows`, begin);
      const outer = [display, inside];
      if (own !== undefined && (begin || display)) throw fail(`${name} must be all that is typed`, begin);
      display ||= own !== undefined;
      inside = own === undefined;
      oneNumber ||= name.startsWith("multline");
      if (set.positioned.has(name) && next() === "[") {
        if (!/^[tbc]\]$/.test((tokens[at + 1] ?? "") + tokens[at + 2])) throw fail(IN_BRACES);
        at += 3;
      }
      if (name === "array") {
        const layout = word(begin);
        columns = /^[lcr|]+$/.test(layout) ? layout.replaceAll("|", "").length : 0;
        if (!columns) throw fail("columns expected after it, such as {lcr}", begin);
      }
      if (name === "alignedat") {
        const pairs = word(begin);
        if (!/^[1-9]$/.test(pairs)) throw fail("number of pairs of columns expected after it, such as {2}", begin);
        columns = 2 * pairs;
      }
      row(["\\end"], columns || null);
      close("\\end", begin);
      if (word(at - 1) !== name) throw fail(`no \\end{${name}} closes it`, begin);
      if (own !== undefined && next()) throw fail(`${name} must be all that is typed`);
      [display, inside] = outer;
    }

    row([""]);
  }

  /** The tokens that are typeset, without arguments that leave their space alone. */
  function seen(tokens) {
    const found = [];
    for (let at = 0; at < tokens.length; at++) {
      if (!set.hiding.has(tokens[at])) { found.push(tokens[at]); continue; }
      if (set.starred.has(tokens[at]) && tokens[at + 1] === "*") at++;
      let deep = 0;
      do deep += (tokens[++at] === "{") - (tokens[at] === "}");
      while (deep);
    }
    return found;
  }

  /** What is wrong with typed LaTeX, and where; null where nothing is. */
  function fault(typed) {
    const formula = asFormula(typed);
    if (/\n[ \t\r]*\n/.test(formula)) return "an empty line ends a formula";
    const tokens = formula.match(TOKEN) ?? [];
    if (tokens.length > table.most) return `longer than ${table.most} tokens`;
    try {
      check(tokens);
      return seen(tokens).every((token) => set.inkless.has(token)) ? "it says nothing" : null;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return error.message;
    }
  }

  return { asFormula, fault };
}
