// Where toasts are shown. Assistive technology hears them through the live region that holds them.

import { useEffect, useState, useSyncExternalStore } from 'react';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { currentToasts, dismissToast, subscribeToasts, TOAST_MS, type Toast } from './toast.ts';
import './toast.css';

export function ToastRegion() {
  const toasts = useSyncExternalStore(subscribeToasts, currentToasts);
  const [held, setHeld] = useState(false);
  return (
    <div
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
    </div>
  );
}

function ToastMessage({ toast, held }: { readonly toast: Toast; readonly held: boolean }) {
  const { id, kind, message, action, stays } = toast;
  useEffect(() => {
    if (stays || held) return;
    const timer = setTimeout(() => dismissToast(id), TOAST_MS);
    return () => clearTimeout(timer);
  }, [id, stays, held]);
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
