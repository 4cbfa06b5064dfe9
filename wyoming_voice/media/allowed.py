"""What libav may open and decode of a file that anybody sends: decides how little of it is reachable.

Rule: lists of what is allowed, never of what is forbidden. libav reads some 400 formats; some of them only
name other files or addresses, which it would open, and most have decoders that nobody sends speech in.
"""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DEMUXERS = _names("""
    aac ac3 aiff amr ape asf au avi caf dts eac3 flac flv loas matroska,webm mov,mp4,m4a,3gp,3g2,mj2 mp3
    mpc mpc8 mpeg mpegts mxf nistsphere nut ogg rm sox tak tta voc w64 wav wtv wv xwma
""")
"""What is opened: formats that hold audio, and none that points elsewhere (hls, dash, concat, sdp, svg)."""

DECODERS = _names("""
    aac aac_latm ac3 adpcm_g722 adpcm_g726 adpcm_ima_qt adpcm_ima_wav adpcm_ms adpcm_swf adpcm_yamaha alac
    amrnb amrwb ape cook dca eac3 flac g722 gsm gsm_ms mp1 mp1float mp2 mp2float mp3 mp3float mpc7 mpc8
    nellymoser opus pcm_alaw pcm_f32be pcm_f32le pcm_f64be pcm_f64le pcm_mulaw pcm_s16be pcm_s16le pcm_s24be
    pcm_s24le pcm_s32be pcm_s32le pcm_s8 pcm_u8 real_144 real_288 speex tak truehd tta vorbis wavpack
    wmalossless wmapro wmav1 wmav2 wmavoice
""")
"""What is decoded: audio only, so that no picture is, not even to find out what a file holds."""

OPTIONS = {
    "format_whitelist": ",".join(DEMUXERS),
    "codec_whitelist": ",".join(DECODERS),
    "protocol_whitelist": "none",
}
"""As options of a container; with them nothing is opened by name either."""
