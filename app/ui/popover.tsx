// The browser's own popover, placed below the button that opens it. Escape and a press outside close it.

import { type ReactNode, type ToggleEvent, useId, useRef } from 'react';
import './popover.css';

interface PopoverProps {
  readonly label: string;
  /** What the button shows. */
  readonly button: ReactNode;
  readonly buttonClass: string;
  /** Accessible name of the button where its content is no name. */
  readonly buttonLabel?: string;
  readonly children: ReactNode | ((close: () => void) => ReactNode);
}

const EDGE_PX = 8;

export function Popover({ label, button, buttonClass, buttonLabel, children }: PopoverProps) {
  const id = useId();
  const trigger = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);

  const place = (event: ToggleEvent<HTMLDivElement>) => {
    if (event.newState !== 'open' || trigger.current === null || panel.current === null) return;
    const at = trigger.current.getBoundingClientRect();
    const { style } = panel.current;
    style.setProperty('top', `${at.bottom + EDGE_PX}px`);
    style.setProperty('max-height', `${window.innerHeight - at.bottom - 2 * EDGE_PX}px`);
    // Towards the side that has more room.
    const leftwards = at.left + at.right > window.innerWidth;
    style.setProperty('left', leftwards ? 'auto' : `${Math.max(EDGE_PX, at.left)}px`);
    style.setProperty(
      'right',
      leftwards ? `${Math.max(EDGE_PX, document.documentElement.clientWidth - at.right)}px` : 'auto',
    );
  };

  return (
    <>
      <button ref={trigger} type="button" className={buttonClass} aria-label={buttonLabel} popoverTarget={id}>
        {button}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        className="popover"
        onBeforeToggle={place}
      >
        {typeof children === 'function' ? children(() => panel.current?.hidePopover()) : children}
      </div>
    </>
  );
}
