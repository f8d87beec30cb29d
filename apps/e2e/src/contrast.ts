/** A text of a page: its computed colour and the computed backgrounds from its element to the root. */
export interface PageText {
  readonly text: string;
  readonly color: string;
  readonly layers: readonly { readonly backgroundColor: string; readonly backgroundImage: string }[];
}

/** An expression that a page evaluates to its visible texts, as `PageText[]`. */
export const textsOfPage = `
  [...document.body.querySelectorAll('*')]
    .filter((element) => element.checkVisibility() && !element.disabled)
    .filter(({ childNodes }) => [...childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim() !== ''))
    .map((element) => {
      const layers = [];
      for (let at = element; at !== null; at = at.parentElement) {
        const { backgroundColor, backgroundImage } = getComputedStyle(at);
        layers.push({ backgroundColor, backgroundImage });
      }
      return { text: element.textContent.trim().slice(0, 40), color: getComputedStyle(element).color, layers };
    })`;

/**
 * The contrast of a text with its background; on a gradient, with its worst colour. Source:
 * https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
 */
export function contrastOf({ color, layers }: PageText): number {
  const [shown] = coloursIn(color);
  if (shown === undefined) throw new Error(`${color} is not a colour`);
  return Math.min(...behind(layers).map((background) => ratio(over(shown, background), background)));
}

type Colour = readonly [red: number, green: number, blue: number, alpha: number];

const white: Colour = [255, 255, 255, 1];

function coloursIn(text: string): Colour[] {
  return [...text.matchAll(/rgba?\(([^)]*)\)/g)].map(([, numbers = '']) => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = numbers.split(/[\s,/]+/).map(Number);
    return [red, green, blue, alpha];
  });
}

/** Every colour that the layers can have together. There are several if a layer is a gradient. */
function behind([layer, ...below]: PageText['layers']): Colour[] {
  if (layer === undefined) return [white];
  const bases = behind(below);
  const plain = coloursIn(layer.backgroundColor).flatMap((colour) => bases.map((base) => over(colour, base)));
  const stops = coloursIn(layer.backgroundImage).flatMap((colour) => plain.map((base) => over(colour, base)));
  return stops.length > 0 ? stops : plain;
}

function over([red, green, blue, alpha]: Colour, [r, g, b]: Colour): Colour {
  const mixed = (above: number, below: number): number => above * alpha + below * (1 - alpha);
  return [mixed(red, r), mixed(green, g), mixed(blue, b), 1];
}

function ratio(one: Colour, other: Colour): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance([red, green, blue]: Colour): number {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function linear(value: number): number {
  const part = value / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
