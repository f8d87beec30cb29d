import type { TemplateNode } from './template';

/** The maximum number of rendering steps of one delivery: each part of a template, list entry and lookup of a name is a step. */
const maxRenderingSteps = 5000;

/** Maximum number of bytes of text, in UTF-8, that the templates of one delivery may render: twice the largest payload. */
export const maxRenderedBytes = 128 * 1024;

/** The templates exceed the limits of a delivery. The message is a clause that names the limit. */
export class RenderingBudgetError extends Error {}

/** The remaining budget for the templates of one delivery. */
export class RenderingBudget {
  private steps = 0;
  private bytes = 0;

  /** Counts a step. @throws RenderingBudgetError when no steps are left. */
  takeStep(): void {
    if (++this.steps > maxRenderingSteps) throw new RenderingBudgetError(`more than ${maxRenderingSteps} steps`);
  }

  /** Counts the bytes of `text`. @throws RenderingBudgetError when too few bytes are left for it. */
  takeText(text: string): void {
    // `length` is at most the number of UTF-8 bytes, so if `length` exceeds the limit, the bytes need not be counted.
    this.bytes += text.length > maxRenderedBytes ? text.length : Buffer.byteLength(text);
    if (this.bytes > maxRenderedBytes) throw new RenderingBudgetError(`more than ${maxRenderedBytes} bytes of text`);
  }
}

/** The values for a template. */
interface TemplateView {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly topic: string;
  readonly count: number;
}

export interface Rendered {
  readonly text: string;
  /** Whether the template used `count`. */
  readonly isCountShown: boolean;
}

/**
 * Renders like Mustache, but uses only data: own properties with text, numbers, booleans, lists or objects. Inherited properties,
 * functions and getters have no value. A list is rendered as its entries, separated by commas; an object, also in a list, is
 * rendered as nothing. `topic` and `count` take precedence over fields of the payload with these names.
 *
 * `encode` encodes each value, but not the text of the template. By default values are unchanged.
 *
 * @throws RenderingBudgetError when `budget` is used up.
 */
export function renderTemplate(
  nodes: readonly TemplateNode[],
  view: TemplateView,
  budget: RenderingBudget,
  encode: (value: string) => string = (value) => value,
): Rendered {
  const { payload, topic, count } = view;
  const ours = { topic, count };
  const rendering = new Rendering(ours, budget, encode);
  const text = rendering.textOf(nodes, [payload, ours]);
  return { text, isCountShown: rendering.isCountShown };
}

class Rendering {
  isCountShown = false;

  constructor(
    private readonly ours: object,
    private readonly budget: RenderingBudget,
    private readonly encode: (value: string) => string,
  ) {}

  /** Renders `nodes`. Names are looked up in the values of `stack`, from the last to the first. */
  textOf(nodes: readonly TemplateNode[], stack: unknown[]): string {
    let text = '';
    for (const node of nodes) {
      this.budget.takeStep();
      text += this.textOfNode(node, stack);
    }
    return text;
  }

  private textOfNode(node: TemplateNode, stack: unknown[]): string {
    if (node.kind === 'text') return this.counted(node.text);
    const value = this.valueAt(node.path, stack);
    if (node.kind === 'value') return this.shown(value);
    const isEmpty = !value || (Array.isArray(value) && value.length === 0);
    if (node.isInverted) return isEmpty ? this.textOf(node.inside, stack) : '';
    if (isEmpty) return '';
    if (value === true) return this.textOf(node.inside, stack);
    let text = '';
    for (const entry of Array.isArray(value) ? (value as unknown[]) : [value]) {
      this.budget.takeStep();
      stack.push(entry);
      text += this.textOf(node.inside, stack);
      stack.pop();
    }
    return text;
  }

  /** The value of a name in the innermost value of the stack that has all parts of the name. */
  private valueAt(path: readonly string[], stack: readonly unknown[]): unknown {
    if (path.length === 0) return stack.at(-1);
    for (let at = stack.length - 1; at >= 0; at--) {
      const found = this.propertyAt(path, stack[at]);
      if (found === undefined) continue;
      if (stack[at] === this.ours && path[0] === 'count') this.isCountShown = true;
      return found.value;
    }
    return undefined;
  }

  private propertyAt(path: readonly string[], thing: unknown): PropertyDescriptor | undefined {
    let property: PropertyDescriptor | undefined = { value: thing };
    for (const part of path) {
      this.budget.takeStep();
      property = ownProperty(property.value, part);
      if (property === undefined) return undefined;
    }
    return property;
  }

  private shown(value: unknown): string {
    if (!Array.isArray(value)) return this.encoded(plainText(value));
    const texts: string[] = [];
    for (const entry of value) {
      this.budget.takeStep();
      texts.push(plainText(entry));
    }
    return this.encoded(texts.join(','));
  }

  private encoded(text: string): string {
    this.budget.takeText(text); // counted before the encoding, so that the time of the encoding is bounded too
    return this.encode(text);
  }

  private counted(text: string): string {
    this.budget.takeText(text);
    return text;
  }
}

/** An own property of an object or list. A text has none: its length and its characters by index are no data of the payload. */
function ownProperty(thing: unknown, name: string): PropertyDescriptor | undefined {
  if (typeof thing !== 'object' || thing === null) return undefined;
  const property = Object.getOwnPropertyDescriptor(thing, name);
  return typeof property?.value === 'function' ? { value: undefined } : property;
}

function plainText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return '';
  }
}
