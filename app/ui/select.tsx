// The browser's own select, which phones and screen readers know best, in our look.

import type { ReactNode } from 'react';
import { Icon } from './icon.tsx';
import './select.css';

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** `option` elements. */
  readonly children: ReactNode;
}

export function Select({ label, value, onChange, children }: SelectProps) {
  return (
    <label className="select">
      <span className="select-label">{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {children}
      </select>
      <Icon name="chevron" size={16} />
    </label>
  );
}
