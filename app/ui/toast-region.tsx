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
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {toasts.map((toast) => (
        <ToastMessage key={toast.id} toast={toast} held={held} />
      ))}
    </div>,
    host ?? document.body,
  );
}

function ToastMessage({ toast, held }: { readonly toast: Toast; readonly held: boolean }) {
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
            dismissToast(id);
            action.run();
          }}
        >
          {action.name}
        </Button>
      )}
      <Button look="quiet" className="button-icon" aria-label="Dismiss" onClick={() => dismissToast(id)}>
        <Icon name="close" size={16} />
      </Button>
    </div>
  );
}
