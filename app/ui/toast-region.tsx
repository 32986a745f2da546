// Where toasts are shown. Assistive technology hears them through the live region that holds them.

import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { currentToasts, dismissToast, subscribeToasts, type Toast, toastMs } from './toast.ts';
import { currentToastHost, subscribeToastHost } from './toast-host.ts';
import './toast.css';

export function ToastRegion() {
  const toasts = useSyncExternalStore(subscribeToasts, currentToasts);
  const host = useSyncExternalStore(subscribeToastHost, currentToastHost);
  const region = useRef<HTMLDivElement>(null);
  const [held, setHeld] = useState(false);
  /** What had the focus before a toast took it. */
  const before = useRef<Element | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a toast that leaves takes focus and pointer with it unheard
  useEffect(() => {
    const element = region.current;
    setHeld(element?.matches(':hover, :focus-within') ?? false);
  }, [toasts, host]);
  return createPortal(
    <div
      ref={region}
      className="toasts"
      role="status"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      // Without a target the focus comes from another window or goes there.
      onFocus={({ relatedTarget }) => {
        setHeld(true);
        if (relatedTarget && !region.current?.contains(relatedTarget)) before.current = relatedTarget;
      }}
      onBlur={({ relatedTarget }) => {
        setHeld(false);
        if (relatedTarget && !region.current?.contains(relatedTarget)) before.current = null;
      }}
    >
      {toasts.map((toast) => (
        <ToastMessage
          key={toast.id}
          toast={toast}
          held={held}
          onAnswered={() => {
            // Else it would fall to the page's beginning, with the button that is gone.
            const hasFocus = region.current?.contains(document.activeElement);
            if (hasFocus && before.current instanceof HTMLElement) before.current.focus();
            dismissToast(toast.id);
          }}
        />
      ))}
    </div>,
    host ?? document.body,
  );
}

interface ToastMessageProps {
  readonly toast: Toast;
  readonly held: boolean;
  readonly onAnswered: () => void;
}

function ToastMessage({ toast, held, onAnswered }: ToastMessageProps) {
  const { id, kind, message, action } = toast;
  const ms = toastMs(toast);
  useEffect(() => {
    if (ms === null || held) return;
    const timer = setTimeout(() => dismissToast(id), ms);
    return () => clearTimeout(timer);
  }, [id, ms, held]);
  return (
    <div className={`toast toast-${kind}`}>
      <p>{message}</p>
      {action !== null && (
        <Button
          look="quiet"
          className="toast-action"
          onClick={() => {
            onAnswered();
            action.run();
          }}
        >
          {action.name}
        </Button>
      )}
      <Button look="quiet" className="button-icon" aria-label="Dismiss" onClick={onAnswered}>
        <Icon name="close" size={16} />
      </Button>
    </div>
  );
}
