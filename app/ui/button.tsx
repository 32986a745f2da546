// A button with a look. React Aria's, so that it can also be a file trigger or a part of a grid list.

import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import './button.css';

interface ButtonProps extends AriaButtonProps {
  /** `primary` for the one main action of a view; `quiet` inside other things. */
  readonly look?: 'primary' | 'plain' | 'quiet';
}

export function Button({ look = 'plain', className, ...props }: ButtonProps) {
  return <AriaButton {...props} className={`button button-${look} ${className ?? ''}`} />;
}
