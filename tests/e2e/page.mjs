// Reads the server's pages, which are simple enough for regular expressions.
function unescape(text) {
  const characters = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => characters[name]);
}

function attribute(tag, name) {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(tag) ?? [];
  return value === undefined ? undefined : unescape(value);
}

// The page's form: where it goes, its id and its fields as they stand; undefined where there is none.
export function formOf(html) {
  const [, head, body] = /(<form[^>]*>)([^]*?)<\/form>/.exec(html) ?? [];
  if (!head) return undefined;
  const fields = {};
  for (const [tag] of body.matchAll(/<input[^>]*>/g)) {
    fields[attribute(tag, 'name')] = attribute(tag, 'value') ?? '';
  }
  return { action: attribute(head, 'action'), id: attribute(head, 'id'), fields };
}

export function cancelLinkOf(html) {
  const [, tag] = /(<a [^>]*>)\[ Cancel \]/.exec(html) ?? [];
  return tag && attribute(tag, 'href');
}

export function headingOf(html) {
  const [, heading] = /<h1[^>]*>([^<]*)/.exec(html) ?? [];
  return heading ? unescape(heading).trim() : '';
}
