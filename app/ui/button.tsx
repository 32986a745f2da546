// A button with a look.

import type { ComponentProps, MouseEvent } from 'react';
import './button.css';

interface ButtonProps extends ComponentProps<'button'> {
  readonly look?: ButtonLook;
}

/** `primary` for the one main action of a view; `quiet` inside other things. */
type ButtonLook = 'primary' | 'plain' | 'quiet';

/**
 * One that is disabled does nothing and keeps the focus: from the browser's own kind, disabled by being pressed, the focus falls out
 * of a dialog that has arrow keys to hear.
 */
export function Button({
  look = 'plain',
  type = 'button',
  className,
  disabled,
  onClick,
  ...props
}: ButtonProps) {
  return (
    <button
      {...props}
      type={type}
      className={`button button-${look} ${className ?? ''}`}
      aria-disabled={disabled || undefined}
      onClick={disabled ? doNothing : onClick}
    />
  );
}

/** Submits no form either. */
function doNothing(event: MouseEvent): void {
  event.preventDefault();
}
