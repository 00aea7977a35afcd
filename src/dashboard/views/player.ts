import { useState } from 'preact/hooks';
import { type Child, h } from './h.ts';
import { recordingPath } from './parts.ts';

/** How often a link that has run out is asked for again in one viewing. */
const MOST_RENEWALS = 20;

/** The video over a link that works for a few minutes; when it has run out, playing continues with another one. */
export function Player({
  id,
  video,
  thumbnail,
}: {
  id: string;
  video: string | null;
  thumbnail: string | null;
}): Child {
  const [renewals, setRenewals] = useState(0);
  const [problem, setProblem] = useState(false);
  const of = (name: string) => `${recordingPath(id)}/files/${encodeURIComponent(name)}`;
  const poster = thumbnail === null ? undefined : of(thumbnail);
  if (video === null) return h('img', { class: 'player', src: poster, alt: `Thumbnail of recording ${id}` });
  return h(
    'div',
    {},
    h('video', {
      class: 'player',
      controls: true,
      preload: 'none',
      poster,
      src: renewals === 0 ? of(video) : `${of(video)}?renewed=${renewals}`,
      'aria-label': `Video of recording ${id}`,
      onError: (event: { currentTarget: { currentTime: number } }) => {
        const { currentTime } = event.currentTarget;
        // One that never began to play is of a kind that this browser cannot play.
        if (currentTime > 0 && renewals < MOST_RENEWALS) setRenewals(renewals + 1);
        else setProblem(true);
        resumeAt = currentTime;
      },
      onLoadedMetadata: (event: { currentTarget: { currentTime: number; play(): Promise<void> } }) => {
        if (renewals === 0) return;
        event.currentTarget.currentTime = resumeAt;
        event.currentTarget.play().catch(() => {});
      },
    }),
    problem &&
      h(
        'p',
        { class: 'quiet', role: 'status' },
        'The browser cannot play it: the link does not work, or it does not know the format. ',
        h('a', { href: `${of(video)}?download` }, 'Download it'),
        ' instead.',
      ),
  );
}

let resumeAt = 0;
