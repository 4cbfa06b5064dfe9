"""Everything that sounds, from playbacks and tones to the loudspeaker."""
