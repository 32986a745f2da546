// A button with a look.

import type { ComponentProps } from 'react';
import './button.css';

interface ButtonProps extends ComponentProps<'button'> {
  readonly look?: ButtonLook;
}

/** `primary` for the one main action of a view; `quiet` inside other things. */
type ButtonLook = 'primary' | 'plain' | 'quiet';

export function Button({ look = 'plain', type = 'button', className, ...props }: ButtonProps) {
  return <button {...props} type={type} className={`button button-${look} ${className ?? ''}`} />;
}
