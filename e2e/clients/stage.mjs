// What the stories share: the house they play in, and the browser, which is
// on the other side of standard input and output.
import { createInterface } from 'node:readline/promises';

// house says where the server is, who the clients are and how people look.
export const house = JSON.parse(process.argv[2]);

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// visit lets the browser go there, signing in where it is asked to, and
// returns where it was sent at the end.
export async function visit(address) {
  console.log(JSON.stringify({ visit: String(address) }));
  const { value } = await answers.next();
  const { back, error } = JSON.parse(value);
  if (error) throw new Error(error);
  return new URL(back);
}

// chapter says what comes next.
export const chapter = (title) => console.log(JSON.stringify({ chapter: title }));

// dressed returns a fetch that calls with these looks.
export const dressed = (looks) => (address, options) => {
  const headers = new Headers(options?.headers);
  for (const [name, value] of Object.entries(looks)) headers.set(name, value);
  return fetch(address, { ...options, headers });
};

// privateKey returns the key of the client that signs for itself.
export const privateKey = async ({ kid, alg, ...jwk }) => ({
  kid,
  key: await crypto.subtle.importKey(
    'jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']),
});

// end ends the story.
export const end = () => process.stdin.destroy();
