// The browser's own popover, placed below the button that opens it, or above where there is more room. Escape and a press outside close it.

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
/** As high as most are. With so much room below, there is no need to look above. */
const ENOUGH_PX = 320;

export function Popover({ label, button, buttonClass, buttonLabel, children }: PopoverProps) {
  const id = useId();
  const trigger = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);

  const place = (event: ToggleEvent<HTMLDivElement>) => {
    if (event.newState !== 'open' || trigger.current === null || panel.current === null) return;
    const at = trigger.current.getBoundingClientRect();
    const { style } = panel.current;
    const { clientWidth, clientHeight } = document.documentElement;
    const below = clientHeight - at.bottom - 2 * EDGE_PX;
    const above = at.top - 2 * EDGE_PX;
    const upwards = below < ENOUGH_PX && above > below;
    style.setProperty('top', upwards ? 'auto' : `${at.bottom + EDGE_PX}px`);
    style.setProperty('bottom', upwards ? `${clientHeight - at.top + EDGE_PX}px` : 'auto');
    style.setProperty('max-height', `${upwards ? above : below}px`);
    // Towards the side that has more room.
    const leftwards = at.left + at.right > clientWidth;
    const from = Math.max(EDGE_PX, leftwards ? clientWidth - at.right : at.left);
    style.setProperty('left', leftwards ? 'auto' : `${from}px`);
    style.setProperty('right', leftwards ? `${from}px` : 'auto');
    style.setProperty('max-width', `min(26rem, ${clientWidth - from - EDGE_PX}px)`);
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
