// What this project uses of Preact, as types: its own would bring all of JSX.
export type Vnode = object;
export class Component<P = {}, S = {}> {
  constructor(props: P);
  props: P;
  state: S;
  setState(change: Partial<S>): void;
  componentDidMount?(): void;
  componentDidUpdate?(): void;
  componentWillUnmount?(): void;
  shouldComponentUpdate?(next: P): boolean;
  render(props: P, state: S): unknown;
}
export function h(type: unknown, props: object | null, ...children: unknown[]): Vnode;
export function render(vnode: unknown, parent: unknown): void;
