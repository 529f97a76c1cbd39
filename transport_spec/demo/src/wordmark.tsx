export function Wordmark() {
  return (
    <span className="wordmark">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="9" />
        <path d="M5 14c3.7 0 3.7-4 7.3-4s3.7 4 7.4 4 3.6-4 7.3-4M5 22c3.7 0 3.7-4 7.3-4s3.7 4 7.4 4 3.6-4 7.3-4" />
      </svg>
      Tidewire
    </span>
  );
}
