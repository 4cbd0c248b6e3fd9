// Texts of the shop's own people may hold a little HTML. It is read into a document of its own,
// where nothing runs, and only plain elements are taken over, without any attribute but the
// address of a link into this shop or to a secure page.

const ALLOWED = new Set(['P', 'BR', 'STRONG', 'B', 'EM', 'I', 'UL', 'OL', 'LI', 'A']);
const policy = globalThis.trustedTypes?.createPolicy('note', { createHTML: (html) => html });

/** Puts a note into an element. */
export function noteInto(target, html) {
  const source = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, 'text/html');
  target.replaceChildren(...copy(source.body));
}

function copy(node) {
  const out = [];
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      out.push(document.createTextNode(child.textContent));
    } else if (child.nodeType === Node.ELEMENT_NODE) {
      if (['SCRIPT', 'STYLE', 'TEMPLATE'].includes(child.tagName)) continue;
      if (!ALLOWED.has(child.tagName)) {
        out.push(...copy(child));
        continue;
      }
      const element = document.createElement(child.tagName);
      const href = child.getAttribute('href') ?? '';
      if (child.tagName === 'A' && /^(\/(?!\/)|https:\/\/)/.test(href)) element.href = href;
      element.append(...copy(child));
      out.push(element);
    }
  }
  return out;
}
