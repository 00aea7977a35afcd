import { type ComponentChildren, createElement, Fragment } from 'preact';

/** What a view draws. */
export type Child = ComponentChildren;

export { Fragment };

type Props = Readonly<Record<string, unknown>>;
type Given<P> = Omit<P, 'children'> & { key?: string | number; children?: Child };

/** An element, or a view with its properties; children may also follow. */
export function h(tag: string, props: Props, ...children: Child[]): Child;
export function h<P>(view: (props: P) => Child, props: Given<P>, ...children: Child[]): Child;
export function h(type: string | ((props: never) => Child), props: Props, ...children: Child[]): Child {
  return createElement(type as string, props, ...children);
}
